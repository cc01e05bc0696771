"""The IAM policy of the operator's identity, made of the operations that it calls."""

import dataclasses
import fnmatch
import itertools
import json
import string
from collections.abc import Iterable, Iterator
from typing import Any, get_args

from dask_ecs.aws import operations
from dask_ecs.aws.operations import Operation
from dask_ecs.aws.permission import MADE, Permission, Purpose, When

Document = dict[str, Any]
Statement = dict[str, Any]

# AWS: "IAM and AWS STS quotas": characters of a managed policy, white space not counted.
LONGEST_DOCUMENT = 6144

ANY = ("*",)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scope:
    """What is known of an account and of the clusters to come; each field fills the place of its name in a template.

    A role, task definition, queue, policy or boundary is an ARN or a pattern of ARNs, an ECS cluster or log group a
    name or a pattern of names; `purposes` are those for which anything is allowed at all.
    """

    partition: tuple[str, ...] = ("aws",)
    region: tuple[str, ...] = ANY
    account: tuple[str, ...] = ANY
    install: tuple[str, ...] = ANY
    role_path: tuple[str, ...] = ("/dask-ecs/",)
    given_ecs_cluster: tuple[str, ...] = ANY
    given_role: tuple[str, ...] = ()
    given_task_definition: tuple[str, ...] = ()
    log_group: tuple[str, ...] = ANY
    allowed_policy: tuple[str, ...] = ()
    permissions_boundary: tuple[str, ...] = ()
    events_queue: tuple[str, ...] = ()
    purposes: frozenset[Purpose] = frozenset(get_args(Purpose))

    def fill(self, template: str) -> tuple[str, ...]:
        """Return what a template stands for: one text for each value of its places, none where a place has none."""
        if template in MADE and MADE[template] not in self.purposes:
            return ()
        places = [name for _, name, _, _ in string.Formatter().parse(template) if name]
        values = itertools.product(*(getattr(self, place) for place in places))
        return tuple(template.format_map(dict(zip(places, chosen, strict=True))) for chosen in values)


def documents(scope: Scope, *, of: Iterable[Operation] = operations.ALL) -> list[Document]:
    """Return the policies, as few as IAM's limit on their size lets them be: all of them are needed together."""
    found: list[list[Statement]] = [[]]
    for statement in statements(scope, of=of):
        if found[-1] and size(_document([*found[-1], statement])) > LONGEST_DOCUMENT:
            found.append([])
        found[-1].append(statement)
    return [_document(each) for each in found]


def statements(scope: Scope, *, of: Iterable[Operation] = operations.ALL) -> list[Statement]:
    """Return the statements, one for all actions that are allowed on the same under the same conditions."""
    grouped: dict[str, tuple[set[str], Statement]] = {}
    for operation in of:
        if operation.purpose not in scope.purposes:
            continue
        for permission in operation.permissions:
            for rest in _allowed(permission, scope):
                grouped.setdefault(json.dumps(rest), (set(), rest))[0].add(permission.action)
    return [{"Effect": "Allow", "Action": _one_or_all(sorted(names)), **rest} for names, rest in grouped.values()]


def listed(element: str | list[str]) -> list[str]:
    """Return what an element of a statement names, which may be one text or several."""
    return [element] if isinstance(element, str) else element


def size(document: Document) -> int:
    """Return the characters of a document as IAM counts them."""
    return len("".join(json.dumps(document, separators=(",", ":")).split()))


def _document(found: list[Statement]) -> Document:
    return {"Version": "2012-10-17", "Statement": found}


def _allowed(permission: Permission, scope: Scope) -> Iterator[Statement]:
    """Yield on what and when the action is allowed, nothing where there is nothing for it."""
    on = {resource for template in permission.on for resource in scope.fill(template)}
    on = {each for each in on if not any(each != other and fnmatch.fnmatchcase(each, other) for other in on)}
    conditions: dict[str, dict[str, Any]] = {}
    for when in permission.when:
        values = _values(when, scope)
        if values:
            conditions.setdefault(when.operator, {})[when.key] = _one_or_all(values)
        elif not when.optional:
            return
    if on:
        yield {"Resource": _one_or_all(sorted(on)), **({"Condition": conditions} if conditions else {})}


def _values(when: When, scope: Scope) -> list[str]:
    return sorted(set(scope.fill(when.value)))


def _one_or_all(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values
