"""The form of what a user may give RunTask (ECS API reference: "RunTask"); AWS judges what is not in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_KEY_AND_VALUE = {"key": str, "value": str}
_NAME_AND_VALUE = {"name": str, "value": str}
_TYPE_AND_VALUE = {"type": str, "value": str}

_CONTAINER = {
    "name": str,
    "command": [str],
    "environment": [_NAME_AND_VALUE],
    "environmentFiles": [_TYPE_AND_VALUE],
    "cpu": int,
    "memory": int,
    "memoryReservation": int,
    "resourceRequirements": [_TYPE_AND_VALUE],
}

FORM: dict[str, Any] = {
    "group": str,
    "overrides": {
        "containerOverrides": [_CONTAINER],
        "cpu": str,
        "memory": str,
        "ephemeralStorage": {"sizeInGiB": int},
        "executionRoleArn": str,
        "taskRoleArn": str,
    },
    "tags": [_KEY_AND_VALUE],
    "volumeConfigurations": [
        {
            "name": str,
            "managedEBSVolume": {
                "filesystemType": str,
                "iops": int,
                "kmsKeyId": str,
                "roleArn": str,
                "sizeInGiB": int,
                "snapshotId": str,
                "throughput": int,
                "volumeType": str,
            },
        }
    ],
}
"""An object by its fields, a list by its one item, anything else by its Python type."""

_WORDS = {str: "a text, in quotes", int: "a whole number, without quotes", list: "a list", dict: "an object"}


def problems(value: Any, *, form: Any = FORM, where: str) -> Iterator[str]:
    """Yield what is not of the form, each thing by its path below `where`."""
    kind: Any = form if isinstance(form, type) else type(form)
    fits: bool = isinstance(value, kind) and not isinstance(value, bool)
    if not fits:
        yield f"{where} has to be {_WORDS[kind]}"
    elif isinstance(form, dict):
        for name in form.keys() & value.keys():
            yield from problems(value[name], form=form[name], where=f"{where}.{name}")
    elif isinstance(form, list):
        for index, item in enumerate(value):
            yield from problems(item, form=form[0], where=f"{where}[{index}]")
