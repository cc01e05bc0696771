"""AWS's names as commands take them: what is none is refused before it stands in an ARN."""

import re
import urllib.parse
from typing import Any

import click

from dask_ecs.api.fields import REGION_PATTERN
from dask_ecs.plan import roles


class _Name(click.ParamType[str]):
    def __init__(self, name: str, pattern: str, example: str) -> None:
        self.name = name
        self._pattern = re.compile(pattern, re.ASCII)
        self._example = example

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not self._pattern.fullmatch(value):
            self.fail(f"{value!r} is not {self._example}.", param, ctx)
        return str(value)


ACCOUNT = _Name("account", r"\d{12}", "the 12 digits of an AWS account")
REGION = _Name("region", REGION_PATTERN, "an AWS region: write its code, as eu-west-1")
POLICY = _Name(
    "policy",
    r"arn:aws[a-z-]*:iam::(\d{12}|aws):policy/\S+",
    "the ARN of a policy: write it as arn:aws:iam::123456789012:policy/NAME",
)


class _Queue(click.ParamType[str]):
    """An SQS queue, by its ARN or by the URL that `dask-ecs run` takes; converted to its ARN."""

    name = "queue"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if re.fullmatch(r"arn:aws[a-z-]*:sqs:[^:]+:[^:]+:[^:/]+", value):
            return str(value)
        url = urllib.parse.urlsplit(value)
        path = re.fullmatch(r"/(\d{12})/([\w.-]+)", url.path, re.ASCII)
        if not url.hostname or not path:
            self.fail(
                f"{value!r} is not the ARN or the URL of a queue: `dask-ecs events setup` prints both.", param, ctx
            )
        account, name = path.groups()
        region = url.hostname.split(".")[1] if url.hostname.startswith("sqs.") else "*"
        return f"arn:{roles.partition(region)}:sqs:{region}:{account}:{name}"


QUEUE = _Queue()
