"""Deletions that EC2 refuses with DependencyViolation, and moto does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.ec2.models import ec2_backends

from .vpc import dependents_of_security_group

if TYPE_CHECKING:
    from .moto_server import Moto
    from .wire import ServiceCall


class Dependencies:
    """Looks whether something that is to be deleted is still used."""

    def __init__(self, moto: Moto) -> None:
        self._moto = moto

    async def refusal(self, call: ServiceCall, account: str) -> str | None:
        """Return why EC2 refuses the call, None when it does not."""
        if call.name not in ("ec2:DeleteSecurityGroup", "ec2:DeleteSubnet"):
            return None
        return await self._moto.run(lambda: _refusal(ec2_backends[account][call.region], call))


def _refusal(ec2: Any, call: ServiceCall) -> str | None:
    if call.operation == "DeleteSubnet":
        subnet_id = call.parameters.get("SubnetId", "")
        if any(interface.subnet.id == subnet_id for interface in ec2.enis.values()):
            return f"The subnet '{subnet_id}' has dependencies and cannot be deleted."
        return None
    group_id = call.parameters.get("GroupId", "")
    if group_id and dependents_of_security_group(ec2, group_id):
        return f"resource {group_id} has a dependent object"
    return None
