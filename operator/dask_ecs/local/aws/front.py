"""The HTTP front: one port for all of AWS. ECS and SQS' messages are answered here, everything else by moto."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aiohttp import web

from .authorization import authority, simulator
from .calls import Call
from .ecs.errors import EcsError
from .sqs.errors import SqsError, UnsupportedOperation
from .sqs.service import MESSAGE_OPERATIONS
from .throttle import CODES
from .wire import JSON, ServiceCall, error_body, error_code, read_call

if TYPE_CHECKING:
    from .authorization.authority import Authority
    from .calls import CallLog
    from .dependencies import Dependencies
    from .ecs.service import Ecs
    from .eventbridge import EventBridge
    from .faults import Fault, Faults
    from .instances import Instances
    from .moto_server import Moto
    from .sqs.service import Sqs
    from .throttle import Throttle
    from .vpc import Vpcs

_log = logging.getLogger(__name__)


class Refused(Exception):  # noqa: N818
    """The call is answered with an error."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int = 400,
        fields: dict[str, Any] | None = None,
        query_code: str = "",
        denied: bool = False,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.fields = fields or {}
        self.query_code = query_code
        """The code that SDKs show where it is another (x-amzn-query-error)."""
        self.denied = denied
        """Whether it is for want of a permission."""


class Front:
    """Answers every AWS request: notes it, lets faults and throttling strike, and finds who carries it out."""

    def __init__(
        self,
        *,
        ecs: Ecs,
        moto: Moto,
        vpcs: Vpcs,
        authority: Authority,
        dependencies: Dependencies,
        instances: Instances,
        sqs: Sqs,
        eventbridge: EventBridge,
        calls: CallLog,
        faults: Faults,
        throttle: Throttle,
    ) -> None:
        self._ecs = ecs
        self._moto = moto
        self._vpcs = vpcs
        self._authority = authority
        self._dependencies = dependencies
        self._instances = instances
        self._sqs = sqs
        self._eventbridge = eventbridge
        self._calls = calls
        self._faults = faults
        self._throttle = throttle

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        body = await request.read()
        request_id = str(uuid.uuid4())
        try:
            call = read_call(
                request.headers, method=request.method, path=request.path, query=request.query_string, body=body
            )
        except ValueError as error:
            return self._error("unknown", Refused("SerializationException", str(error)), request_id, is_json=True)
        noted = Call(
            operation=call.name,
            region=call.region,
            caller=call.access_key,
            user_agent=request.headers.get("User-Agent", ""),
            parameters=call.parameters,
            request_id=request_id,
        )
        self._calls.add(noted)
        fault = self._faults.strike(call.name)
        try:
            if fault and fault.latency:
                await asyncio.sleep(fault.latency)
            if fault and fault.code and not fault.after:
                raise Refused(fault.code, fault.message, status=fault.status)
            response = await self._carry_out(request, call, body)
            if response.status >= 400 and isinstance(response.body, bytes):  # moto's
                noted.outcome = error_code(response.body) or str(response.status)
        except Refused as error:
            noted.outcome = error.code
            if error.denied:
                self._calls.deny(noted, error.message)
            response = self._error(call.service, error, request_id, is_json="X-Amz-Target" in request.headers)
        if fault and fault.after:
            return self._lose(request, noted, fault)
        response.headers["x-amzn-RequestId"] = request_id
        return response

    async def _carry_out(self, request: web.Request, call: ServiceCall, body: bytes) -> web.Response:
        account = self._moto.account(call.access_key)
        if not self._throttle.admits(account, call.region, call):
            raise Refused(CODES[call.service], "Rate exceeded", status=503 if call.service == "ec2" else 400)
        await self._vpcs.prepare(account, call.region)
        if refusal := await self._authority.refusal(call, account):
            status = 403 if call.service in authority.CODES else 400
            code = authority.CODES.get(call.service, "AccessDeniedException")
            raise Refused(code, refusal, status=status, denied=True)
        if call.service == "ecs":
            return await self._ask_ecs(call, account)
        if call.service == "sqs" and call.operation in MESSAGE_OPERATIONS:
            return await self._ask_sqs(request, call, account)
        if call.name == "iam:SimulatePrincipalPolicy":
            return await self._simulate(call, account)
        if call.service == "autoscaling" and (refused := await self._ecs.groups.refusal(call, account)):
            raise Refused(*refused)
        if refusal := await self._dependencies.refusal(call, account):
            raise Refused("DependencyViolation", refusal)
        answer = await self._moto.forward(request, body)
        if call.service in ("ec2", "autoscaling"):
            await self._instances.follow(account, call.region)
        if call.service in ("events", "sqs"):
            await self._sqs.follow(account, call.region)
            await self._eventbridge.follow(account, call.region)
        answered = answer.body
        if call.name == "sqs:GetQueueAttributes" and answer.status == HTTPStatus.OK:
            answered = self._sqs.with_counts(answered, call.parameters, account=account, region=call.region)
        return web.Response(status=answer.status, headers=answer.headers, body=answered)

    async def _ask_ecs(self, call: ServiceCall, account: str) -> web.Response:
        caller = f"arn:aws:iam::{account}:user/{call.access_key}"
        try:
            answer = await self._ecs.answer(
                call.operation, call.parameters, account=account, region=call.region, caller=caller
            )
        except EcsError as error:
            raise Refused(error.code, error.message, fields=error.fields) from None
        except (KeyError, TypeError, AttributeError) as error:
            # A client that does not check parameters as AWS' SDKs do sent too little or the wrong type.
            _log.warning("%s with bad parameters", call.name, exc_info=True)
            raise Refused("InvalidParameterException", f"Missing or malformed parameter: {error}") from None
        return web.Response(body=json.dumps(answer).encode(), content_type=JSON)

    async def _ask_sqs(self, request: web.Request, call: ServiceCall, account: str) -> web.Response:
        try:
            if "X-Amz-Target" not in request.headers:
                raise UnsupportedOperation("The local AWS knows SQS by the JSON protocol only: use a newer SDK.")
            answer = await self._sqs.answer(
                call.operation,
                call.parameters,
                account=account,
                region=call.region,
                is_gone=lambda: request.transport is None or request.transport.is_closing(),
            )
        except SqsError as error:
            raise Refused(error.code, error.message, query_code=error.query_code) from None
        except (KeyError, TypeError, ValueError) as error:
            raise Refused("InvalidParameterValue", f"Missing or malformed parameter: {error}") from None
        return web.Response(body=json.dumps(answer).encode(), content_type=JSON)

    async def _simulate(self, call: ServiceCall, account: str) -> web.Response:
        try:
            answer = await self._moto.run(lambda: simulator.answer(account, call.parameters))
        except simulator.NoSuchIdentityError as error:
            raise Refused("NoSuchEntity", str(error), status=404) from None
        return web.Response(text=answer, content_type="text/xml")

    def _lose(self, request: web.Request, noted: Call, fault: Fault) -> web.StreamResponse:
        """Close the connection without an answer: the caller can not know what became of its call."""
        noted.outcome = fault.code or "ConnectionClosed"
        if request.transport:
            request.transport.abort()
        return web.Response()

    def _error(self, service: str, error: Refused, request_id: str, *, is_json: bool) -> web.Response:
        body, content_type = error_body(
            service, code=error.code, message=error.message, request_id=request_id, is_json=is_json, fields=error.fields
        )
        headers = {"x-amzn-RequestId": request_id, "x-amzn-ErrorType": error.code}
        if error.query_code:
            headers["x-amzn-query-error"] = f"{error.query_code};Sender"
        return web.Response(status=error.status, body=body, content_type=content_type, headers=headers)
