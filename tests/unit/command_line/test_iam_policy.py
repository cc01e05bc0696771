"""The operator's IAM policy, as it is made of the operations that are called."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dask_ecs.api.daskcluster import API_VERSION, KIND
from dask_ecs.aws import iam_policy, operations
from dask_ecs.aws.iam_policy import Scope
from dask_ecs.cli import main

GIVEN = """
apiVersion: ecs.dask.org/v1alpha1
kind: DaskCluster
metadata: {name: given}
spec:
  clusterArn: arn:aws:ecs:eu-west-1:123456789012:cluster/research
  iam:
    executionRoleArn: arn:aws:iam::123456789012:role/pull
    taskRoleArn: arn:aws:iam::123456789012:role/work
  network: {securityGroups: [sg-0123456789abcdef0]}
  logs: {group: research}
"""


def printed(*arguments: str) -> list[dict[str, Any]]:
    result = CliRunner().invoke(main, ["iam-policy", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    documents = json.loads("[" + re.sub(r"\}\n\{", "},{", result.stdout) + "]")
    return [statement for document in documents for statement in document["Statement"]]


def actions(statements: list[dict[str, Any]]) -> set[str]:
    return {action for each in statements for action in listed(each["Action"])}


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def of_action(statements: list[dict[str, Any]], action: str) -> list[dict[str, Any]]:
    return [each for each in statements if action in listed(each["Action"])]


def test_the_policy_allows_all_that_is_called_and_nothing_else() -> None:
    statements = printed("--allow-task-role-policy", "arn:aws:iam::aws:policy/*", "--events-queue", "arn:aws:sqs:*:*:q")
    assert actions(statements) == set(operations.actions())


@pytest.mark.parametrize("operation", operations.ALL, ids=str)
def test_an_operation_is_an_action_of_its_service_and_what_it_implies(operation: operations.Operation) -> None:
    assert operation is operations.GET_CALLER_IDENTITY or operation.actions[0].startswith(f"{operation.service}:")


def test_what_changes_things_is_never_allowed_on_everything() -> None:
    readers = re.compile(r"\w+:(Describe|List|Get)\w+|ecs:DeregisterTaskDefinition")
    everywhere = {action for each in printed() if each["Resource"] == "*" for action in listed(each["Action"])}
    assert {action for action in everywhere if not readers.fullmatch(action)} == set()


def test_roles_are_passed_to_tasks_to_instances_and_to_ecs_that_manages_these() -> None:
    statements = of_action(printed("--allow-role", "arn:aws:iam::*:role/team-*"), "iam:PassRole")
    to_tasks, to_ec2, to_ecs = statements
    assert to_tasks["Condition"] == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    assert to_ec2["Condition"] == {"StringLike": {"iam:PassedToService": "ec2.*"}}
    assert to_ecs["Condition"] == {"StringEquals": {"iam:PassedToService": "ecs.amazonaws.com"}}
    assert to_tasks["Resource"] == ["arn:aws:iam::*:role/dask-ecs/dask-*-*", "arn:aws:iam::*:role/team-*"]


def test_one_install_touches_no_other_ones_things() -> None:
    (delete,) = of_action(printed("--install", "abc"), "ec2:DeleteSecurityGroup")
    assert delete["Condition"] == {"StringLike": {"aws:ResourceTag/ecs.dask.org/install": "abc"}}


def test_in_other_ecs_clusters_than_are_admitted_nothing_is_stopped() -> None:
    admitted = "arn:aws:ecs:eu-west-1:123456789012:cluster/research"
    (_, given) = of_action(printed("--allow-ecs-cluster", admitted, "--account", "123456789012"), "ecs:StopTask")
    assert given["Resource"] == "arn:aws:ecs:*:123456789012:task/research/*"


def test_log_groups_of_other_names_are_not_touched() -> None:
    statements = printed("--allow-log-group", "dask-*", "--account", "123456789012", "--region", "eu-west-1")
    named = {
        resource
        for each in statements
        for resource in listed(each["Resource"])
        if {name for name in listed(each["Action"]) if name.startswith("logs:")} - {"logs:DescribeLogGroups"}
    }
    assert {resource.split(":")[6] for resource in named} == {"dask-*"}


def test_an_install_whose_roles_the_policy_would_miss_is_refused() -> None:
    result = CliRunner().invoke(main, ["iam-policy", "--install", "a" * 28])
    assert result.exit_code == 2
    assert "at most 27 letters and digits" in result.output


@pytest.mark.parametrize("command", [["iam-policy"], ["run"], ["events", "setup"], ["plan", "-f", __file__]])
def test_no_install_begins_as_another_ones_names_do(command: list[str]) -> None:
    result = CliRunner().invoke(main, [*command, "--install", "prod-eu"])
    assert result.exit_code == 2
    assert "letters and digits, without dashes" in " ".join(result.output.split())


def test_roles_that_are_made_must_have_the_boundary() -> None:
    boundary = "arn:aws:iam::123456789012:policy/bounds"
    for action in ("iam:CreateRole", "iam:PutRolePolicy"):
        (statement,) = of_action(printed("--permissions-boundary", boundary), action)
        assert statement["Condition"]["StringEquals"] == {"iam:PermissionsBoundary": boundary}


def test_only_allowed_policies_can_be_attached() -> None:
    allowed = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    for options in ([], ["--allow-task-role-policy", allowed]):
        *tasks, managing = of_action(printed(*options), "iam:AttachRolePolicy")
        assert [each["Condition"] for each in tasks] == [{"ArnLike": {"iam:PolicyARN": allowed}} for _ in options[1:]]
        policy = "arn:aws:iam::aws:policy/AmazonECSInfrastructureRolePolicyForManagedInstances"
        assert managing["Condition"] == {"ArnLike": {"iam:PolicyARN": policy}}


@pytest.mark.parametrize("has_tls", [True, False])
def test_a_file_that_gives_everything_needs_little(tmp_path: Path, *, has_tls: bool) -> None:
    file = tmp_path / "given.yaml"
    file.write_text(GIVEN + ("" if has_tls else "  tls: {enabled: false}\n"))
    statements = printed("-f", str(file), "--all-resources-given", "--account", "123456789012")
    services = {action.split(":")[0] for action in actions(statements) - {"iam:PassRole"}}
    assert services == {"ec2", "ecs", "logs"} | ({"secretsmanager"} if has_tls else set())
    making = {action for action in actions(statements) if re.search("Create|Delete|Put|Attach", action)}
    assert {action.split(":")[0] for action in making} == ({"secretsmanager"} if has_tls else set())
    (pass_role,) = of_action(statements, "iam:PassRole")
    assert pass_role["Resource"] == ["arn:aws:iam::123456789012:role/pull", "arn:aws:iam::123456789012:role/work"]
    (stop,) = of_action(statements, "ecs:StopTask")
    assert stop["Resource"] == "arn:aws:ecs:*:123456789012:task/research/*"


def test_a_file_that_gives_nothing_needs_what_makes_things() -> None:
    needed = actions(printed("-f", str(Path(__file__).parents[3] / "examples" / "fargate.yaml")))
    assert "ec2:RunInstances" not in needed
    assert {"iam:CreateRole", "ec2:CreateSecurityGroup", "ecs:CreateCluster", "logs:CreateLogGroup"} <= needed


def test_a_policy_too_large_for_iam_comes_in_parts() -> None:
    roles = tuple(f"arn:aws:iam::123456789012:role/team-{number:03}" for number in range(40))
    clusters = tuple(f"cluster-of-team-{number:03}" for number in range(40))
    documents = iam_policy.documents(Scope(given_role=roles, given_ecs_cluster=clusters))
    assert len(documents) > 1
    assert max(map(iam_policy.size, documents)) <= iam_policy.LONGEST_DOCUMENT
    parts = [statement for document in documents for statement in document["Statement"]]
    assert parts == iam_policy.statements(Scope(given_role=roles, given_ecs_cluster=clusters))


def test_without_a_purpose_nothing_is_allowed_for_it() -> None:
    scope = dataclasses.replace(Scope(), purposes=frozenset({"tasks"}))
    assert not {action for action in actions(iam_policy.statements(scope)) if action.startswith("sqs:")}


def test_roles_that_stand_in_a_given_definition_are_asked_for(tmp_path: Path) -> None:
    arn = "arn:aws:ecs:eu-west-1:123456789012:task-definition/theirs:3"
    body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": "demo"}}
    file = tmp_path / "cluster.json"
    file.write_text(json.dumps({**body, "spec": {"worker": {"replicas": 1, "taskDefinitionArn": arn}}}))
    result = CliRunner().invoke(main, ["iam-policy", "-f", str(file)])
    assert f"{arn} names roles that the operator has to pass: give their ARNs by --allow-role." in result.stderr
    assert "names roles" not in CliRunner().invoke(main, ["iam-policy", "-f", str(file), "--allow-role", "*"]).stderr


def written(folder: Path, spec: dict[str, Any]) -> str:
    file = folder / "cluster.json"
    file.write_text(
        json.dumps({"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": "demo"}, "spec": {**NO_TLS, **spec}})
    )
    return str(file)


NO_TLS = {"tls": {"enabled": False}}
OWN = {
    role: {"taskDefinitionArn": f"arn:aws:ecs:eu-west-1:123456789012:task-definition/{role}:1"}
    for role in ("scheduler", "worker")
}


@pytest.mark.parametrize(
    "spec", [{"region": "us-gov-east-1"}, {"clusterArn": "arn:aws-us-gov:ecs:us-gov-east-1:123456789012:cluster/a"}]
)
def test_the_regions_of_a_file_are_added_to_those_that_are_named(spec: dict[str, Any], tmp_path: Path) -> None:
    file = written(tmp_path, spec)
    (read,) = of_action(printed("-f", file, "--region", "eu-west-1"), "logs:GetLogEvents")
    assert {arn.split(":")[3] for arn in listed(read["Resource"])} == {"eu-west-1", "us-gov-east-1"}
    assert {arn.split(":")[1] for arn in listed(read["Resource"])} == {"aws", "aws-us-gov"}
    (anywhere,) = of_action(printed("-f", file), "logs:GetLogEvents")
    assert listed(anywhere["Resource"])[0].split(":")[3] == "*"


def test_groups_and_roles_that_no_task_would_have_are_not_made(tmp_path: Path) -> None:
    group = {"securityGroups": ["sg-0123456789abcdef0"]}
    given = {role: {**own, **group} for role, own in OWN.items()}
    needed = actions(printed("-f", written(tmp_path, given), "--allow-role", "arn:aws:iam::*:role/team"))
    assert not {action for action in needed if re.search("Role$|SecurityGroup$", action)} - {"iam:PassRole"}
    needed = actions(printed("-f", written(tmp_path, {**given, "scheduler": group})))
    assert "iam:CreateRole" in needed
    assert "ec2:CreateSecurityGroup" not in needed
    needed = actions(printed("-f", written(tmp_path, {**given, "worker": OWN["worker"]}), "--allow-role", "*"))
    assert "iam:CreateRole" not in needed
    assert "ec2:CreateSecurityGroup" in needed


def test_a_queue_is_named_by_its_url_too() -> None:
    url = "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/dask-ecs-prod-events"
    (receive,) = of_action(printed("--events-queue", url), "sqs:ReceiveMessage")
    assert receive["Resource"] == "arn:aws-cn:sqs:cn-north-1:123456789012:dask-ecs-prod-events"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--account", "foo"], "'foo' is not the 12 digits of an AWS account."),
        (["--region", "bar"], "'bar' is not an AWS region: write its code, as eu-west-1."),
        (["--permissions-boundary", "nope"], "'nope' is not the ARN of a policy: write it as arn:aws:iam::"),
        (["--events-queue", "nope"], "'nope' is not the ARN or the URL of a queue"),
        (["--events-queue", "https://sqs.eu-west-1.amazonaws.com/"], "is not the ARN or the URL of a queue"),
        *(
            (["-f", str(Path(__file__).parents[3] / "examples" / "fargate.yaml"), option, "x"], f"what {option} would")
            for option in (
                "--allow-log-group",
                "--allow-ecs-cluster",
                "--allow-task-role-policy",
                "--allow-task-definition",
            )
        ),
    ],
)
def test_what_would_be_wrong_or_without_effect_is_refused(arguments: list[str], says: str) -> None:
    result = CliRunner().invoke(main, ["iam-policy", *arguments])
    assert result.exit_code == 2
    assert says in result.stderr
