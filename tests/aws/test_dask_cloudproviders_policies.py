"""What works under the two policies of dask-cloudprovider's documentation, and what has to be added for the rest.

The table of docs/permissions.md is held by this.
"""

import json
import re
import uuid
from pathlib import Path
from typing import Any

import pytest

from dask_ecs.aws.session import Sessions
from dask_ecs.local.aws.handle import LocalAWS

from .planned_life import Life, given_things, launched, user_of

THEIRS = Path(__file__).parent / "dask_cloudprovider_policies"
PAGE = Path(__file__).parents[2] / "docs" / "permissions.md"
READ_S3 = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"

POLICIES = ("create-everything", "all-resources-given")

# Rows of the table: whether things are made or given, and the types of what is done.
ROWS = {
    "find the VPC and its subnets": ("made", {"ResolveNetwork", "IdentifyAccount"}),
    "make and delete security groups": ("made", {"EnsureSecurityGroup", "DeleteSecurityGroup"}),
    "make and delete roles": ("made", {"EnsureRole", "DeleteRole"}),
    "make and delete ECS clusters": ("made", {"EnsureEcsCluster", "DeleteEcsCluster"}),
    "make and delete log groups": ("made", {"EnsureLogGroup", "DeleteLogGroup"}),
    "make and delete certificates": ("made", {"EnsureCertificate", "DeleteSecret"}),
    "use an ECS cluster that is given": ("given", {"UseEcsCluster"}),
    "use a log group that is given": ("given", {"EnsureLogGroup"}),
    "register and deregister task definitions": ("given", {"RegisterTaskDefinition", "DeregisterTaskDefinition"}),
    "start tasks": ("given", {"RunTasks"}),
    "see tasks": ("given", {"Look"}),
    "stop tasks": ("given", {"StopTask"}),
}


def table() -> dict[str, tuple[set[str], ...]]:
    """Read of each row of the page's table what has to be added to each policy."""
    text = PAGE.read_text().split("| the operator can |")[1].split("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]]
    return {name: tuple(set(re.findall(r"`([^`]+)`", cell)) for cell in cells) for name, *cells in rows}


@pytest.mark.parametrize("policy", POLICIES)
async def test_what_has_to_be_added_for_each_thing_that_the_operator_does(
    local_aws: LocalAWS, monkeypatch: pytest.MonkeyPatch, policy: str
) -> None:
    made: dict[str, Any] = {
        "worker": {"replicas": 2},
        "iam": {"taskRolePolicies": [READ_S3]},
        "logs": {"group": f"theirs-{uuid.uuid4().hex[:8]}", "deletionPolicy": "Delete"},
        "tls": {"enabled": True},
    }
    given = {**given_things(local_aws), "tls": {"enabled": False}}
    document = json.loads((THEIRS / f"{policy}.json").read_text())
    lacked = {}
    for kind, spec in (("made", made), ("given", given)):
        with user_of(local_aws, [document], monkeypatch) as user:
            async with Sessions() as sessions:
                aws = sessions.region("eu-west-1")
                life = Life(aws, spec, lenient=user, allow_roles=("*",), allow_task_role_policies=("*",))
                await life.go_on(launched(workers=2))
                await life.end()
        lacked[kind] = life.lacked
    # Else it is not what the rows say that was tried, or more was done than they say.
    named = {kind for _, kinds in ROWS.values() for kind in kinds}
    done = {kind: set(of) for kind, of in lacked.items()}
    assert all(kinds <= done[way] for way, kinds in ROWS.values()), f"done was only: {done}"
    rest = {name: actions for of in lacked.values() for name, actions in of.items() if name not in named and actions}
    assert rest == {}, f"no row names them: {rest}"
    column = POLICIES.index(policy)
    for row, (way, kinds) in ROWS.items():
        found = set().union(*(lacked[way][kind] for kind in kinds))
        assert table()[row][column] == found, f"{row}: lacks {sorted(found)}"
    assert table().keys() == ROWS.keys()
