"""What `dask-ecs plan` says of the permissions that are missing."""

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence

from dask_ecs.aws import simulation
from dask_ecs.aws.errors import AwsError
from dask_ecs.aws.iam_policy import Statement, listed
from dask_ecs.aws.session import Aws
from dask_ecs.aws.simulation import Lack, Question
from dask_ecs.command_line import own_credentials


async def look(
    aws: Aws, *, identity: str, statements: Sequence[Statement], account: str, example: str
) -> tuple[list[str], bool]:
    """Return what to print, and whether something is missing for sure.

    `identity` is the ARN of a user, a role or a role's session; `example` is a name for each `*` of the statements.
    """
    questions = list(simulation.questions(statements, account=account, example=example))
    try:
        whose = await simulation.identity_of(aws, identity)
        lacks = await simulation.lacks(aws, identity=whose, asked=questions)
    except AwsError as error:
        return list(_not_told(identity, error)), False
    return list(_told(whose, questions, lacks)), any(not lack.undecided for lack in lacks)


def _not_told(identity: str, error: AwsError) -> Iterator[str]:
    yield f"Whether {identity} lacks some of them can not be told:"
    yield f"  {own_credentials.advice(error)}"
    if error.code == "NoSuchEntity":
        yield "  If its ARN has a path, which that of a session does not tell, name it by --identity."


def _told(whose: str, questions: Iterable[Question], lacks: Sequence[Lack]) -> Iterator[str]:
    asked = {action for question in questions for action in listed(question.statement["Action"])}
    if not lacks:
        yield f"{whose} lacks none of them: {len(asked)} actions, by IAM's policy simulator."
        return
    yield f"By IAM's policy simulator {whose} lacks:"
    ordered = sorted(lacks, key=_together)
    for _, group in itertools.groupby(ordered, key=_together):
        found = list(group)
        actions = sorted({lack.action for lack in found})
        where = ", ".join(sorted({lack.resource for lack in found}))
        keys = ", ".join(sorted({key for lack in found for key in lack.undecided}))
        word = "missing perhaps" if keys else "missing"
        yield f"  {word}: {', '.join(actions)} on {where}"
        if keys:
            yield f"    its policies ask for {keys}, which is known only when it is called"
        elif found[0].why == "no policy allows it":
            statement = {**found[0].statement, "Action": actions[0] if len(actions) == 1 else actions}
            yield f"    add: {json.dumps(statement)}"
        else:
            yield f"    {found[0].why}"


def _together(lack: Lack) -> tuple[str, str, bool]:
    """Return by what lacks are told together: the statement that they are of, and why they are."""
    return json.dumps(lack.statement, sort_keys=True), lack.why, bool(lack.undecided)
