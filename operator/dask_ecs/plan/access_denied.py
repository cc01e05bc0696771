"""What AWS refused to somebody, and what to add to which policy.

IAM user guide: "Troubleshoot access denied error messages"; STS API reference: "DecodeAuthorizationMessage".
"""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

_REFUSED = re.compile(
    r"(?:User: (?P<who>\S+) is )?not authorized to perform: (?P<action>[\w-]+:\w+)"
    r"(?: on resource: (?P<resource>(?:(?! because | with an explicit deny).)+))?",
    re.DOTALL,
)
_ENCODED = re.compile(r"\s*Encoded authorization failure message: \S+")
_EXPLICIT = re.compile(r"with an explicit deny in (?:an? )?(?P<where>[\w -]+ policy|permissions boundary)")
_NOT_ALLOWED_BY = re.compile(r"because no (?P<where>[\w -]+ policy|permissions boundary) allows")

# In which kind of policy the fault lies that is not the identity's own (IAM user guide, as above).
_ELSEWHERE = {
    "service control policy": "A service control policy of the organization",
    "resource control policy": "A resource control policy of the organization",
    "permissions boundary": "The identity's permissions boundary",
    "session policy": "The policy of the session, which whoever assumes the role sets,",
    "VPC endpoint policy": "The policy of the VPC endpoint that the call goes through",
    "resource-based policy": "The policy of the thing itself",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Denial:
    """A refused call: who lacks which action on what, and which kind of policy is to blame."""

    action: str
    who: str = ""
    resource: str = "*"
    where: str = "identity-based policy"
    explicit: bool = False
    call: str = ""
    """The call in which it was refused, as `ecs:RunTask`; it may need other actions than its own."""

    @property
    def statement(self) -> dict[str, Any]:
        """The statement that allows it."""
        condition = {"StringEquals": {"iam:PassedToService": self._passed_to}}
        return {
            "Effect": "Allow",
            "Action": self.action,
            "Resource": self.resource,
            **({"Condition": condition} if self.action == "iam:PassRole" else {}),
        }

    @property
    def _passed_to(self) -> str:
        if self.call.startswith("autoscaling:") or self.call == "iam:AddRoleToInstanceProfile":
            return "ec2.amazonaws.com"
        return "ecs.amazonaws.com" if self.call.endswith("CapacityProvider") else "ecs-tasks.amazonaws.com"

    @property
    def fix(self) -> str:
        """What to do of a call of the operator's, in a sentence or two."""
        statement_alone = self.where not in _ELSEWHERE and not self.explicit
        all_of_it = " (`dask-ecs iam-policy` prints all that the operator needs)." if statement_alone else ""
        return self.remedy(identity="the operator's AWS identity") + all_of_it

    def remedy(self, *, identity: str) -> str:
        """Return what to do, in a sentence; `identity` is whose call it was, where AWS does not say it."""
        whose = f"of {self.who or identity}"
        elsewhere = _ELSEWHERE.get(self.where)
        if self.explicit:
            return (
                f"{elsewhere or f'A policy {whose}'} denies {self.action} outright, which no other policy can allow: "
                "its Deny statement has to go, or to spare this."
            )
        statement = json.dumps(self.statement)
        if elsewhere:
            return f"{elsewhere} does not allow {self.action}: add this statement to it: {statement}"
        return f"Add this statement to a policy {whose}: {statement}"


def read(text: str, *, action: str = "") -> Denial | None:
    """Return what AWS's message says was refused; where it names no action, as EC2's may not, the given one."""
    found = _REFUSED.search(text)
    if found is None and not action:
        return None
    explicit, not_allowed = _EXPLICIT.search(text), _NOT_ALLOWED_BY.search(text)
    blamed = explicit or not_allowed
    denial = Denial(action=found["action"] if found else action, explicit=explicit is not None, call=action)
    if blamed:
        denial = dataclasses.replace(denial, where=blamed["where"].strip())
    if found:
        resource = (found["resource"] or "*").strip().rstrip(".")
        # IAM names a role that is not there without its ARN ("role dask-x").
        resource = resource if resource.startswith("arn:") else "*"
        denial = dataclasses.replace(denial, who=found["who"] or "", resource=resource)
    return denial


def readable(text: str) -> str:
    """Return AWS's message without the encoded part, of which a person has nothing."""
    return _ENCODED.sub("", text)
