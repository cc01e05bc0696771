"""How the operator's log looks: text for people, JSON for machines; both name the object and AWS's request."""

import contextvars
import datetime
import json
import logging
import sys
from typing import Literal

current_object: contextvars.ContextVar[str] = contextvars.ContextVar("current_object", default="")
"""The key of the object that is being looked at: every line that is logged meanwhile names it."""


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a line of JSON."""
        line = {
            "time": datetime.datetime.fromtimestamp(record.created, datetime.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if key := current_object.get():
            line["object"] = key
        if request_id := getattr(record, "awsRequestId", ""):
            line["awsRequestId"] = request_id
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


class TextFormatter(logging.Formatter):
    """One line a record, after the object's key."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """Return the line."""
        key = current_object.get()
        record.message = f"{key}: {record.message}" if key else record.message
        if (request_id := getattr(record, "awsRequestId", "")) and request_id not in record.message:
            record.message += f" (request {request_id})"
        return super().formatMessage(record)


def configure(*, form: Literal["text", "json"], level: str) -> None:
    """Set up logging to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("dask_ecs").setLevel(level.upper())
