"""IAM roles as ECS sees them: it can assume one that trusts it, some seconds after the role was made."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from moto.iam.models import iam_backends

from .ecs.errors import ClientException

if TYPE_CHECKING:
    from .delays import Delays
    from .moto_server import Moto

_ECS_TASKS: Final = "ecs-tasks.amazonaws.com"


class Roles:
    """The roles of every account, kept by moto."""

    def __init__(self, moto: Moto, delays: Delays) -> None:
        self._moto = moto
        self._delays = delays

    async def check_assumable(self, account: str, arns: list[str]) -> None:
        """Raise ClientException for the first role that ECS' tasks can not assume."""
        if not arns:
            return
        refused = await self._moto.run(lambda: self._first_refused(account, arns))
        if refused:
            raise ClientException(
                f"ECS was unable to assume the role '{refused}' that was provided for this task. Please verify that"
                " the role being passed has the proper trust relationship and permissions and that your IAM user has"
                " permissions to pass this role."
            )

    def _first_refused(self, account: str, arns: list[str]) -> str | None:
        roles = {role.arn: role for role in iam_backends[account]["aws"].get_roles()}
        for arn in arns:
            name = arn if arn.startswith("arn:") else f"arn:aws:iam::{account}:role/{arn}"
            role = roles.get(name)
            if role is None or self._too_new(role) or not _trusts_ecs(role.assume_role_policy_document):
                return arn
        return None

    def _too_new(self, role: Any) -> bool:
        age = datetime.now(UTC) - role.create_date.replace(tzinfo=UTC)
        return bool(age.total_seconds() < self._delays.role_assumable)


def _trusts_ecs(document: str) -> bool:
    statements = json.loads(document).get("Statement", [])
    for statement in [statements] if isinstance(statements, dict) else statements:
        services = statement.get("Principal", {}).get("Service", [])
        if statement.get("Effect") == "Allow" and _ECS_TASKS in ([services] if isinstance(services, str) else services):
            return True
    return False
