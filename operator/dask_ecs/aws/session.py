"""Calls to AWS: one shared client for each service and region, every call named, counted and logged."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import datetime
import logging
import os
import re
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from typing import Any, Self

import aiobotocore.config
import aiobotocore.session
import botocore.exceptions
import botocore.parsers
import botocore.utils

from dask_ecs.aws import errors, service_models
from dask_ecs.aws.operations import Operation
from dask_ecs.aws.quotas import METERED, Quotas
from dask_ecs.plan.quota import Limit

logger = logging.getLogger(__name__)

# Seconds. A call that takes longer has an unknown outcome, which every caller can bear.
CONNECT_TIMEOUT = 5
READ_TIMEOUT = 20

# Seconds for which SQS holds a receive open while its queue is empty (AWS: "ReceiveMessage").
LONGEST_WAIT = 20

_FAILURES = (
    botocore.exceptions.BotoCoreError,
    botocore.exceptions.ClientError,
    botocore.parsers.ResponseParserError,  # what answered was not AWS
    OSError,
)


class Aws:
    """AWS in one region, by the standard credential chain; `AWS_ENDPOINT_URL` is honoured."""

    def __init__(self, sessions: Sessions, region: str) -> None:
        self._sessions = sessions
        self.region = region

    async def call(self, operation: Operation, **parameters: Any) -> dict[str, Any]:
        """Call one operation and return its answer.

        Raises:
            AwsError: classified; `UnknownOutcomeError` when the call may have been carried out.

        """
        self._sessions.calls[str(operation)] += 1
        started = time.monotonic()
        try:
            client = await self._sessions.client(operation.service, self.region)
            answer: dict[str, Any] = await getattr(client, _snake_case(operation.name))(**parameters)
        except _FAILURES as error:
            known = errors.classify(str(operation), error)
            logger.debug("%s failed: %s", operation, known, extra={"awsRequestId": known.request_id})
            raise known from error
        metadata = answer.pop("ResponseMetadata", {})
        milliseconds = (time.monotonic() - started) * 1000
        request_id = metadata.get("RequestId", "")
        # What was changed can be looked up at AWS by its request; looks are many and of no consequence.
        level = logging.INFO if operation.is_change else logging.DEBUG
        logger.log(level, "%s took %.0f ms", operation, milliseconds, extra={"awsRequestId": request_id})
        return answer

    async def pages(self, operation: Operation, key: str, **parameters: Any) -> AsyncIterator[Any]:
        """Yield the items under `key` of all pages of a listing; both of AWS's ways to name the next page are known."""
        more: dict[str, Any] = {}
        while True:
            answer = await self.call(operation, **parameters, **more)
            for item in answer[key]:
                yield item
            if answer.get("nextToken"):
                more = {"nextToken": answer["nextToken"]}
            elif answer.get("NextToken"):
                more = {"NextToken": answer["NextToken"]}
            elif answer.get("IsTruncated"):
                more = {"Marker": answer["Marker"]}
            else:
                return


class Sessions:
    """The clients of one operator: made on first use, closed together.

    `limits` are the quotas, by their names in `plan.quota`, of which the account has others than AWS documents;
    `idle` is entered for as long as a call waits for its rate. With `only`, no other operations can be called, which
    spares memory.

    Raises:
        ConfigurationError: the standard configuration can not be used.

    """

    def __init__(
        self,
        *,
        limits: Mapping[str, Limit] | None = None,
        idle: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext,
        only: Collection[Operation] | None = None,
    ) -> None:
        self._idle = idle
        self._session = aiobotocore.session.get_session()
        self._session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_moment)
        if only is not None:
            data_path = self._configured("data_path")
            self._session.register_component("data_loader", service_models.loader(only, data_path=data_path))
        self._clients: dict[tuple[str, str], Any] = {}
        self._limits = dict(limits or {})
        self._quotas: dict[str, Quotas] = {}
        self._lock = asyncio.Lock()
        self._stack = contextlib.AsyncExitStack()
        self.calls: collections.Counter[str] = collections.Counter()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._stack.aclose()

    @property
    def default_region(self) -> str | None:
        """The region of the standard configuration, None if there is none.

        AWS_REGION is the name that AWS's tools share; botocore alone knows only AWS_DEFAULT_REGION and profiles.

        Raises:
            ConfigurationError: the configuration can not be used.

        """
        return os.environ.get("AWS_REGION") or self._configured("region")

    def _configured(self, name: str) -> str | None:
        try:
            found: str | None = self._session.get_config_variable(name)
        except botocore.exceptions.BotoCoreError as error:
            raise errors.bad_configuration("configuration", error) from error
        return found

    def region(self, name: str) -> Aws:
        """Return AWS in a region."""
        return Aws(self, name)

    def quotas(self, region: str) -> Quotas:
        """Return the quotas of a region: the same ones for all who call AWS there."""
        if region not in self._quotas:
            self._quotas[region] = Quotas(limits=self._limits, idle=self._idle)
        return self._quotas[region]

    async def client(self, service: str, region: str) -> Any:
        """Return the shared client.

        Raises:
            ConfigurationError: the endpoint that is configured can not be one.

        """
        async with self._lock:
            if (service, region) not in self._clients:
                config = aiobotocore.config.AioConfig(
                    connect_timeout=CONNECT_TIMEOUT,
                    read_timeout=READ_TIMEOUT + (LONGEST_WAIT if service == "sqs" else 0),
                    max_pool_connections=50,
                    retries={"mode": "standard", "total_max_attempts": 3},
                    user_agent_appid="dask-ecs-operator",
                )
                made = self._session.create_client(service, region_name=region, config=config)
                try:
                    client = await self._stack.enter_async_context(made)
                except ValueError as error:
                    raise errors.ConfigurationError(
                        service,
                        code="InvalidEndpoint",
                        message=f"AWS can not be called: {error}. Write AWS_ENDPOINT_URL as https://HOST, or unset it.",
                    ) from error
                if service in METERED:
                    self.quotas(region).meter(client)
                self._clients[service, region] = client
            return self._clients[service, region]


def _moment(told: str | float) -> datetime.datetime:
    """Read a time as the SDK does, but in one time zone: its own, one each, takes memory and a tenth of a restart."""
    if isinstance(told, int | float):
        return datetime.datetime.fromtimestamp(told, datetime.UTC)
    found: datetime.datetime = botocore.utils.parse_timestamp(told)
    return found.astimezone(datetime.UTC)


def _snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
