"""Whether a call is allowed, and what AWS says when it is not ("Policy evaluation logic", IAM user guide)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..identity_policy import decide
from . import callers, ec2_demands, ecs_demands, iam_demands, other_demands
from .demand import Demand, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..ecs.service import Ecs
    from ..moto_server import Moto
    from ..wire import ServiceCall
    from .callers import Caller

_DEMANDS: Final[dict[str, Callable[[Request], Iterable[Demand]]]] = {
    "autoscaling": other_demands.autoscaling,
    "ec2": ec2_demands.demands,
    "iam": iam_demands.demands,
    "logs": other_demands.logs,
    "secretsmanager": other_demands.secretsmanager,
    "sqs": other_demands.sqs,
    "ssm": other_demands.ssm,
}
# The code with which a service refuses, where it is not AccessDeniedException.
CODES: Final = {
    "ec2": "UnauthorizedOperation",
    "iam": "AccessDenied",
    "autoscaling": "AccessDenied",
    "sts": "AccessDenied",
}


class Authority:
    """Judges the calls of those whom IAM has given their keys."""

    def __init__(self, moto: Moto, ecs: Ecs) -> None:
        self._moto = moto
        self._ecs = ecs

    async def refusal(self, call: ServiceCall, account: str) -> str | None:
        """Return why AWS refuses the call, None when it does not."""
        if not self._moto.gave_out(account, call.access_key) or call.name == "sts:GetCallerIdentity":
            return None
        request = Request(call, account, self._ecs)
        if call.service == "ecs":  # whose state is read here only, as moto's is read there
            demands = list(ecs_demands.demands(request))
            return await self._moto.run(lambda: _judge(request, demands))
        return await self._moto.run(lambda: _judge(request, _DEMANDS.get(call.service, _anywhere)(request)))


def _judge(request: Request, demands: Iterable[Demand]) -> str | None:
    caller = callers.find(request.account, request.call.access_key)
    if caller is None:
        return None
    for demand in demands:
        if why := why_not(caller, demand):
            refused = (
                f"User: {caller.arn} is not authorized to perform: {demand.action} on resource: {demand.resource} {why}"
            )
            return (
                f"You are not authorized to perform this operation. {refused}"
                if request.call.service == "ec2"
                else refused
            )
    return None


def why_not(caller: Caller, demand: Demand) -> str | None:
    """Return which policy is to blame when the caller may not do it, None when it may."""
    limits = [("identity-based policy", caller.policies)]
    if caller.boundary:
        limits.append(("permissions boundary", (caller.boundary,)))
    decisions = [
        (kind, decide(documents, action=demand.action, resource=demand.resource, context=demand.context))
        for kind, documents in limits
    ]
    for kind, decision in decisions:
        if decision == "denied":
            return f"with an explicit deny in {'an' if kind.startswith('i') else 'a'} {kind}"
    for kind, decision in decisions:
        if decision == "not allowed":
            return f"because no {kind} allows the {demand.action} action"
    return None


def _anywhere(request: Request) -> Iterable[Demand]:
    return (Demand(request.action),)
