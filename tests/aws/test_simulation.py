"""`dask-ecs plan` says which permissions are missing, as IAM's policy simulator has it."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dask_ecs.api.daskcluster import API_VERSION, KIND
from dask_ecs.aws import iam_policy
from dask_ecs.aws.iam_policy import Scope
from dask_ecs.cli import main
from dask_ecs.local.aws.handle import LocalAWS

from .planned_life import ACCOUNT, Policy, client, user_of

EXAMPLES = Path(__file__).parents[2] / "examples"
SIMULATE: Policy = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "iam:SimulatePrincipalPolicy", "Resource": "*"}],
}
OURS = iam_policy.documents(Scope(install=("abc",), account=(ACCOUNT,), region=("eu-west-1",)))


def planned(*arguments: str, file: Path = EXAMPLES / "fargate.yaml") -> Result:
    return CliRunner().invoke(main, ["plan", "-f", str(file), "--install", "abc", *arguments], catch_exceptions=False)


def without(*actions: str) -> list[Policy]:
    """Return our policy with these actions taken out."""
    return [
        {
            **document,
            "Statement": [
                {**statement, "Action": left}
                for statement in document["Statement"]
                if (left := [each for each in iam_policy.listed(statement["Action"]) if each not in actions])
            ],
        }
        for document in OURS
    ]


@contextmanager
def session_of(aws: LocalAWS, role: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Call AWS as somebody who has assumed the role."""
    made = client(aws, "sts").assume_role(RoleArn=role["Arn"], RoleSessionName="pod")["Credentials"]
    with monkeypatch.context() as patch:
        for variable, value in {
            **aws.environment,
            "AWS_ACCESS_KEY_ID": made["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"],
            "AWS_SESSION_TOKEN": made["SessionToken"],
        }.items():
            patch.setenv(variable, value)
        yield


def role_with(aws: LocalAWS, *policies: Policy, **options: Any) -> dict[str, Any]:
    iam, name = client(aws, "iam"), f"role-{uuid.uuid4().hex[:8]}"
    role: dict[str, Any] = iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}", **options)["Role"]
    for number, policy in enumerate(policies):
        iam.put_role_policy(RoleName=name, PolicyName=f"p{number}", PolicyDocument=json.dumps(policy))
    return role


@pytest.mark.parametrize(
    "spec",
    [
        {"worker": {"replicas": 1}, "tls": {"enabled": True}},
        {"worker": {"replicas": 1}, "launchType": "EC2", "capacity": {"instanceTypes": ["m6i.xlarge"]}},
        {"worker": {"replicas": 1}, "launchType": "EC2", "capacity": {"managedInstances": {}}},
    ],
    ids=["Fargate", "EC2", "managed instances"],
)
def test_who_has_the_policy_lacks_nothing(
    local_aws: LocalAWS, monkeypatch: pytest.MonkeyPatch, spec: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "cluster.json"
    body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": "demo"}, "spec": spec}
    file.write_text(json.dumps(body))
    with user_of(local_aws, [*OURS, SIMULATE], monkeypatch):
        result = planned(file=file)
    assert "lacks none of them" in result.stdout, result.stdout
    assert "Refused" not in result.stdout
    assert result.exit_code == 0


def test_what_is_missing_is_named_with_the_statement_that_mends_it(
    local_aws: LocalAWS, monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking = without("ecs:RunTask", "ec2:DeleteSecurityGroup")
    with user_of(local_aws, [*lacking, SIMULATE], monkeypatch):
        result = planned()
    assert result.exit_code == 3
    ecs = f"arn:aws:ecs:eu-west-1:{ACCOUNT}"
    assert f"  missing: ecs:RunTask on {ecs}:task-definition/dask-abc-default:default\n" in result.stdout
    group = f"arn:aws:ec2:eu-west-1:{ACCOUNT}:security-group/default"
    assert f"  missing: ec2:DeleteSecurityGroup on {group}\n" in result.stdout
    added = [json.loads(line.split("add: ")[1]) for line in result.stdout.splitlines() if line.startswith("    add: ")]
    assert {statement["Action"] for statement in added} == {"ecs:RunTask", "ec2:DeleteSecurityGroup"}
    with user_of(local_aws, [*lacking, SIMULATE, {"Version": "2012-10-17", "Statement": added}], monkeypatch):
        assert planned().exit_code == 0


def test_what_another_tag_would_allow_is_missing(local_aws: LocalAWS, monkeypatch: pytest.MonkeyPatch) -> None:
    with user_of(local_aws, [*OURS, SIMULATE], monkeypatch):
        result = planned("--install", "other")
    assert "ec2:DeleteSecurityGroup" in result.stdout.split(" lacks:")[1]
    assert '{"StringLike": {"aws:ResourceTag/ecs.dask.org/install": "other"}}' in result.stdout


def test_whoever_may_not_simulate_is_told_what_to_add(local_aws: LocalAWS, monkeypatch: pytest.MonkeyPatch) -> None:
    with user_of(local_aws, OURS, monkeypatch):
        result = planned()
    assert result.exit_code == 0
    assert "lacks some of them can not be told" in result.stdout
    assert '"Action": "iam:SimulatePrincipalPolicy", "Resource": "arn:aws:iam::123456789012:user/' in result.stdout


def test_a_session_has_the_permissions_of_its_role(local_aws: LocalAWS, monkeypatch: pytest.MonkeyPatch) -> None:
    with session_of(local_aws, role_with(local_aws, *OURS, SIMULATE), monkeypatch):
        assert "lacks none of them" in planned().stdout


def test_a_role_whose_path_nobody_tells_is_asked_for(local_aws: LocalAWS, monkeypatch: pytest.MonkeyPatch) -> None:
    role = role_with(local_aws, *OURS, SIMULATE, Path="/teams/")
    with session_of(local_aws, role, monkeypatch):
        assert "name it by --identity" in planned().stdout
        assert f"{role['Arn']} lacks none of them" in planned("--identity", role["Arn"]).stdout


def test_a_permissions_boundary_is_named(local_aws: LocalAWS, monkeypatch: pytest.MonkeyPatch) -> None:
    iam = client(local_aws, "iam")
    bounds = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "NotAction": "ecs:RunTask", "Resource": "*"}],
    }
    boundary = iam.create_policy(PolicyName=f"b-{uuid.uuid4().hex[:8]}", PolicyDocument=json.dumps(bounds))["Policy"]
    role = role_with(local_aws, *OURS, SIMULATE, PermissionsBoundary=boundary["Arn"])
    with session_of(local_aws, role, monkeypatch):
        result = planned()
    lacks = result.stdout.split(" lacks:\n")[1].splitlines()
    assert lacks[0].startswith("  missing: ecs:RunTask on ")
    assert lacks[1:] == ["    the permissions boundary does not allow it"]


def test_roles_that_stand_in_a_definition_of_the_users_must_be_passed_too(
    local_aws: LocalAWS, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    role = role_with(local_aws)["Arn"]
    registered = client(local_aws, "ecs").register_task_definition(
        family=f"theirs-{uuid.uuid4().hex[:8]}",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="1024",
        memory="4096",
        executionRoleArn=role,
        containerDefinitions=[{"name": "worker", "image": "dask:1"}],
    )
    arn = registered["taskDefinition"]["taskDefinitionArn"]
    body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": "demo"}}
    file = tmp_path / "cluster.json"
    file.write_text(json.dumps({**body, "spec": {"worker": {"replicas": 1, "taskDefinitionArn": arn}}}))
    policy = iam_policy.documents(Scope(install=("abc",), given_task_definition=(arn,)))
    with user_of(local_aws, [*policy, SIMULATE], monkeypatch):
        result = planned("--allow-task-definition", arn, file=file)
    assert f"  missing: iam:PassRole on {role}\n" in result.stdout, result.stdout
    assert result.exit_code == 3
    with user_of(local_aws, [*without("ecs:DescribeTaskDefinition"), SIMULATE], monkeypatch):
        result = planned("--allow-task-definition", arn, file=file)
    assert f"Which roles {arn} names AWS does not tell" in result.stdout
