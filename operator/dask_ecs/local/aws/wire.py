"""How AWS' protocols put an operation into a request, and an error into an answer."""

from __future__ import annotations

import json
import re
import urllib.parse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEFAULT_REGION = "eu-west-1"
JSON = "application/x-amz-json-1.1"


@dataclass(frozen=True, slots=True)
class ServiceCall:
    """What a request asks for: service, operation and parameters, and who asks in which region."""

    service: str
    operation: str
    region: str
    access_key: str
    parameters: dict[str, Any]

    @property
    def name(self) -> str:
        """Return the name as IAM policies write it: `ecs:RunTask`."""
        return f"{self.service}:{self.operation}"


def read_call(headers: Mapping[str, str], *, method: str, path: str, query: str, body: bytes) -> ServiceCall:
    """Read a signed request; raise ValueError for a body that its protocol does not allow."""
    access_key, region, service = _credential(headers.get("Authorization", ""), query)
    target = headers.get("X-Amz-Target", "")
    if target:
        parameters = json.loads(body) if body else {}
        if not isinstance(parameters, dict):
            raise ValueError("the body must be a JSON object")
        return ServiceCall(service, target.rpartition(".")[2], region, access_key, parameters)
    form = dict(urllib.parse.parse_qsl(body.decode(errors="replace") or query, keep_blank_values=True))
    operation = form.pop("Action", "") or f"{method} {path}"
    form.pop("Version", None)
    return ServiceCall(service, operation, region, access_key, dict(form))


def _credential(authorization: str, query: str) -> tuple[str, str, str]:
    """Return access key, region and service of a SigV4 signature, in the header or the query."""
    _, found, rest = authorization.partition("Credential=")
    scope = rest.split(",")[0] if found else dict(urllib.parse.parse_qsl(query)).get("X-Amz-Credential", "")
    parts = scope.split("/")
    if len(parts) != 5:
        return "", _DEFAULT_REGION, "unsigned"
    return parts[0], parts[2], parts[3]


def error_code(body: bytes) -> str:
    """Return the code in an error answer of any service, empty where there is none."""
    found = re.search(rb'<Code>([^<]*)</Code>|"__type": *"(?:[^"#]*#)?([^"]*)"', body)
    return (found[1] or found[2]).decode() if found else ""


def error_body(
    service: str, *, code: str, message: str, request_id: str, is_json: bool, fields: Mapping[str, Any]
) -> tuple[bytes, str]:
    """Return an error answer's body and content type, in the protocol of the request."""
    if is_json:
        return json.dumps({"__type": code, "message": message, **fields}).encode(), JSON
    inner = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if service == "ec2":
        body = f"<Response><Errors><Error>{inner}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
    else:
        error = f"<Error><Type>Sender</Type>{inner}</Error>"
        body = f"<ErrorResponse>{error}<RequestId>{request_id}</RequestId></ErrorResponse>"
    return f'<?xml version="1.0" encoding="UTF-8"?>{body}'.encode(), "text/xml"
