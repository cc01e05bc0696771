"""A user's own parameters of RunTask, merged under ours: what the operator sends itself wins."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Literal

from dask_ecs.plan import run_task_form
from dask_ecs.plan.observed import LAUNCH_VARIABLE, NAME_VARIABLE
from dask_ecs.plan.problems import NeedsUser

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dask_ecs.api.spec import DaskClusterSpec
    from dask_ecs.plan.observed import Role

What = Literal["cpu", "memory"]

POSSIBLE = tuple(run_task_form.FORM)
"""The rest of RunTask's parameters have fields of their own in the spec, or are the operator's."""

# What is wrong with one role's parameters, in one message.
_MOST_TOLD = 5


def given(spec: DaskClusterSpec, role: Role) -> dict[str, Any]:
    """Return a role's parameters.

    Raises:
        NeedsUser: some can not be given, or are not of the form in which they can be merged.

    """
    found: dict[str, Any] = json.loads(spec.role(role).run_task_overrides or "{}")
    field = f"spec.{role}.runTaskOverrides"
    if unknown := sorted(found.keys() - set(POSSIBLE)):
        raise _refused(
            f"{field} can not have {', '.join(unknown)}: possible are {', '.join(POSSIBLE)}. For what else RunTask "
            "takes the spec has fields, or the operator says it itself."
        )
    if wrong := sorted(run_task_form.problems(found, where=field)):
        raise _refused(f"{'; '.join(wrong[:_MOST_TOLD])}: see RunTask in the ECS API reference.")
    if "volumeConfigurations" in found and not spec.role(role).task_definition_arn:
        raise _refused(
            f"{field}.volumeConfigurations is for volumes that are configuredAtLaunch, and the task definition that is "
            f"made has none: name one of yours in spec.{role}.taskDefinitionArn, or use spec.volumes."
        )
    return found


def disk_gib(spec: DaskClusterSpec, role: Role) -> int | None:
    """Return the ephemeral storage in GiB that a role's tasks are given by these parameters, None if they say nothing.

    Raises:
        NeedsUser: see `given`.

    """
    size: int | None = given(spec, role).get("overrides", {}).get("ephemeralStorage", {}).get("sizeInGiB")
    return size


def amount_of_task(spec: DaskClusterSpec, role: Role, what: What) -> int | None:
    """Return the CPU units or MiB that a role's tasks are given by these parameters, None if they say nothing."""
    overrides = json.loads(spec.role(role).run_task_overrides or "{}").get("overrides")
    return amount(overrides.get(what)) if isinstance(overrides, dict) else None


def amount(value: Any) -> int | None:
    """Return an override's CPU units or MiB, None if that is not what it is."""
    # ECS API reference: a TaskOverride's cpu and memory are texts of CPU units and MiB, a ContainerOverride's numbers.
    return int(value) if re.fullmatch(r"[1-9]\d{0,8}", str(value), re.ASCII) else None


def roles(spec: DaskClusterSpec) -> Iterator[tuple[str, str]]:
    """Yield the roles that a user's parameters name, each with its field below `spec`.

    Raises:
        NeedsUser: see `given`.

    """
    for role in spec.roles:
        found = given(spec, role)
        for name in ("executionRoleArn", "taskRoleArn"):
            if arn := found.get("overrides", {}).get(name):
                yield f"{role}.runTaskOverrides.overrides.{name}", arn
        for index, volume in enumerate(found.get("volumeConfigurations", [])):
            if arn := volume.get("managedEBSVolume", {}).get("roleArn"):
                where = f"volumeConfigurations[{index}].managedEBSVolume.roleArn"
                yield f"{role}.runTaskOverrides.{where}", arn


def under(request: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request with a user's parameters merged under it."""
    if not found:
        return dict(request)
    (ours,) = request["overrides"]["containerOverrides"]
    overrides = found.get("overrides", {})
    containers = {one.get("name"): one for one in overrides.get("containerOverrides", ())}
    theirs = containers.pop(ours["name"], {})
    own = (*ours["environment"], {"name": LAUNCH_VARIABLE}, {"name": NAME_VARIABLE})
    merged = {**theirs, **ours, "environment": _beside(theirs.get("environment", ()), own, key="name")}
    merged["environment"] += ours["environment"]
    return {
        **found,
        **request,
        "overrides": {**overrides, "containerOverrides": [merged, *containers.values()]},
        "tags": [*_beside(found.get("tags", ()), request["tags"], key="key"), *request["tags"]],
    }


def _beside(theirs: Any, ours: Any, *, key: str) -> list[Any]:
    taken = {one[key] for one in ours}
    return [one for one in theirs if one.get(key) not in taken]


def _refused(message: str) -> NeedsUser:
    return NeedsUser("RunTaskOverridesRefused", message)
