"""Which permissions an identity lacks, by IAM's policy simulator; nothing of what is asked for is done.

IAM API reference: "SimulatePrincipalPolicy"; IAM user guide: "IAM policy testing with the IAM policy simulator".
"""

import dataclasses
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dask_ecs.aws import operations
from dask_ecs.aws.errors import AwsError, Kind
from dask_ecs.aws.iam_policy import Statement, listed
from dask_ecs.aws.operations import Operation
from dask_ecs.aws.session import Aws

SIMULATE_PRINCIPAL_POLICY = Operation("iam", "SimulatePrincipalPolicy", ("iam:SimulatePrincipalPolicy",))
"""What whoever runs `dask-ecs plan` needs, to be told what is missing; not the operator."""

_ASSUMED_ROLE = re.compile(r"arn:(?P<partition>[\w-]+):sts::(?P<account>\d+):assumed-role/(?P<name>[^/]+)/.+")

# What stands for the * of conditions, where not every text would do.
_EXAMPLES = {"iam:PassedToService": "amazonaws.com"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Question:
    """What one statement of the policy allows, with an example for each of its patterns."""

    statement: Statement
    resources: tuple[str, ...]
    context: Mapping[str, str]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lack:
    """An action that is not allowed on a resource, and why.

    `undecided` are the context keys that the identity's own policies ask for and the question did not have: the action
    may be allowed all the same.
    """

    action: str
    resource: str
    why: str
    statement: Statement
    undecided: tuple[str, ...] = ()


def questions(statements: Iterable[Statement], *, account: str, example: str) -> Iterator[Question]:
    """Yield what to ask, to learn whether all of these statements are allowed; `example` stands for each `*`."""
    for statement in statements:
        conditions = [
            [(key, value.replace("*", _EXAMPLES.get(key, example))) for value in listed(values)]
            for pairs in statement.get("Condition", {}).values()
            for key, values in pairs.items()
        ]
        resources = tuple(
            _concrete(pattern, account=account, example=example) for pattern in listed(statement["Resource"])
        )
        for context in itertools.product(*conditions):
            yield Question(statement=statement, resources=resources, context=dict(context))


async def lacks(aws: Aws, *, identity: str, asked: Iterable[Question]) -> list[Lack]:
    """Return what the user or role of this ARN is not allowed, of what is asked.

    Raises:
        AwsError: the simulator may not be asked, or knows no such identity.

    """
    found: list[Lack] = []
    for question in asked:
        entries = [
            {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
            for key, value in question.context.items()
        ]
        results = aws.pages(
            SIMULATE_PRINCIPAL_POLICY,
            "EvaluationResults",
            PolicySourceArn=identity,
            ActionNames=listed(question.statement["Action"]),
            ResourceArns=list(question.resources),
            ContextEntries=entries,
        )
        found += [lack async for result in results for lack in read(question, result)]
    return found


async def identity_of(aws: Aws, arn: str) -> str:
    """Return whose policies hold for a caller: of a session its role, whose path the session's ARN does not tell.

    Raises:
        AwsError: it is an identity that the simulator does not know.

    """
    session = _ASSUMED_ROLE.fullmatch(arn)
    if session is None:
        if re.fullmatch(r"arn:[\w-]+:iam::\d+:(user|role)/.+", arn):
            return arn
        raise AwsError(
            operation=str(SIMULATE_PRINCIPAL_POLICY),
            code="InvalidInput",
            message=f"IAM's policy simulator knows users and roles, and {arn} is neither; name the operator's",
            kind=Kind.NEEDS_USER,
        )
    try:
        return str((await aws.call(operations.GET_ROLE, RoleName=session["name"]))["Role"]["Arn"])
    except AwsError:  # most roles have no path
        return f"arn:{session['partition']}:iam::{session['account']}:role/{session['name']}"


def read(question: Question, result: Mapping[str, Any]) -> Iterator[Lack]:
    """Yield what is not allowed, of what the simulator says of one action (EvaluationResult)."""
    by_resource = [
        (each["EvalResourceName"], each["EvalResourceDecision"], each)
        for each in result.get("ResourceSpecificResults", ())
    ]
    whole = (result.get("EvalResourceName", "*"), result["EvalDecision"], result)
    for resource, decision, details in by_resource or [whole]:
        if decision != "allowed":
            yield Lack(
                action=result["EvalActionName"],
                resource=resource,
                why=_why(decision, {**result, **details}),
                statement=question.statement,
                undecided=tuple(details.get("MissingContextValues", ())),
            )


def _why(decision: str, details: Mapping[str, Any]) -> str:
    if decision == "explicitDeny":
        return "a policy denies it"
    if not details.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations", True):
        return "a service control policy of the organization does not allow it"
    if not details.get("PermissionsBoundaryDecisionDetail", {}).get("AllowedByPermissionsBoundary", True):
        return "the permissions boundary does not allow it"
    return "no policy allows it"


def _concrete(pattern: str, *, account: str, example: str) -> str:
    """Return a resource that the pattern matches; `*` alone stays, for actions that know no resources."""
    if pattern == "*":
        return pattern
    parts = pattern.split(":", 5)
    if len(parts) < 6:  # a pattern whose last * is for the account too
        parts = [*parts[:4], account, f"instance/{example}"]
    return ":".join(parts).replace("*", example)
