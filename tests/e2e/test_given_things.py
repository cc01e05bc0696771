"""What a tenant gives: used where the operator's owner admits it, and never changed or deleted."""

import json
from typing import Any

import pytest

from dask_ecs.api.daskcluster import DaskCluster
from dask_ecs.local.stack import Stack
from dask_ecs.plan import made, names
from dask_ecs.plan.settings import Settings
from dask_ecs.plan.target import Target

from .aws_account import AwsAccount
from .kstatus import kstatus
from .tenant import Tenant, manifest

_ACCOUNT = "arn:aws:iam::123456789012"
_READ_S3 = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
_SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:others-AbCdEf"
_DEFINITION = "arn:aws:ecs:eu-west-1:123456789012:task-definition/admin:1"
_BOUNDARY = f"{_ACCOUNT}:policy/tasks-boundary"
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


@pytest.fixture(scope="module")
def quiet_stack(simulated_stack: Stack) -> Stack:
    return simulated_stack


def make_role(account: AwsAccount, name: str, *, path: str = "/") -> str:
    """Make a role that ECS can assume, with an inline policy and a tag, as somebody else would; return its ARN."""
    made = account.iam.create_role(
        RoleName=name,
        Path=path,
        AssumeRolePolicyDocument=json.dumps(_TRUST),
        Tags=[{"Key": "owner", "Value": "platform"}],
    )
    allowed = {"Effect": "Allow", "Action": ["logs:*", "secretsmanager:GetSecretValue"], "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [allowed]}
    account.iam.put_role_policy(RoleName=name, PolicyName="theirs", PolicyDocument=json.dumps(policy))
    return made["Role"]["Arn"]


def role_as_it_is(account: AwsAccount, name: str) -> dict[str, Any]:
    """Return all that a change of a role would show in."""
    role = account.iam.get_role(RoleName=name)["Role"]
    return {
        **{key: role.get(key) for key in ("Arn", "RoleId", "AssumeRolePolicyDocument", "Tags", "PermissionsBoundary")},
        "inline": account.iam.list_role_policies(RoleName=name)["PolicyNames"],
        "attached": account.iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"],
    }


@pytest.mark.parametrize(
    ("field", "value", "reason", "option"),
    [
        ("iam.executionRoleArn", f"{_ACCOUNT}:role/admin", "RoleNotAllowed", "--allow-role"),
        ("iam.taskRoleArn", f"{_ACCOUNT}:role/admin", "RoleNotAllowed", "--allow-role"),
        ("iam.taskRolePolicies", [_READ_S3], "PolicyNotAllowed", "--allow-task-role-policy"),
        ("imageCredentials", _SECRET, "SecretNotAllowed", "--allow-secret"),
        ("worker.taskDefinitionArn", _DEFINITION, "TaskDefinitionNotAllowed", "--allow-task-definition"),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value and ":" not in value else "",
)
def test_what_the_operators_owner_has_not_admitted_is_refused_before_anything_is_made(
    tenant: Tenant, account: AwsAccount, field: str, value: Any, reason: str, option: str
) -> None:
    *outer, inner = field.split(".")
    given = {inner: value}
    name = tenant.apply(manifest(**({outer[0]: given} if outer else given)))
    condition = tenant.wait_for_condition(name, "Stalled", reason=reason)
    assert f"spec.{field}: the operator does not admit" in condition["message"]
    named = value[0] if isinstance(value, list) else value
    assert f"ask the operator's owner to start it with {option} '{named}'." in condition["message"]
    body = tenant.get(name) or {}
    assert kstatus(body) == "Failed"
    assert body["status"]["phase"] == "Failed"
    assert account.leftovers(body["metadata"]["uid"], namespace=tenant.namespace) == []


def test_an_edit_that_is_not_admitted_leaves_what_runs_alone(tenant: Tenant, account: AwsAccount) -> None:
    name = tenant.apply(manifest())
    before = tenant.wait_until_ready(name)
    tenant.patch(name, {"iam": {"taskRoleArn": f"{_ACCOUNT}:role/admin"}})
    tenant.wait_for_condition(name, "Stalled", reason="RoleNotAllowed")
    assert len(account.live_tasks(before["clusterArn"])) == 2
    assert tenant.status(name)["roles"] == before["roles"]
    assert tenant.status(name)["schedulerAddress"] == before["schedulerAddress"]
    uid = (tenant.get(name) or {})["metadata"]["uid"]
    tenant.delete(name)
    tenant.wait_until_gone(name)
    assert account.leftovers(uid, namespace=tenant.namespace) == []


@pytest.mark.parametrize("operator_options", [["--allow-role", f"{_ACCOUNT}:role/teams/*"]])
def test_admitted_roles_are_used_and_left_as_they_are(
    lone_tenant: Tenant, quiet_account: AwsAccount, operator_options: list[str]
) -> None:
    given = {role: f"{lone_tenant.namespace[:40]}-{role}" for role in ("execution", "task")}
    arns = {role: make_role(quiet_account, name, path="/teams/") for role, name in given.items()}
    before = {role: role_as_it_is(quiet_account, name) for role, name in given.items()}
    name = lone_tenant.apply(
        manifest(iam={"executionRoleArn": arns["execution"], "taskRoleArn": arns["task"]}),
    )
    status = lone_tenant.wait_until_ready(name)
    assert status["roles"] == arns
    assert not [thing for thing in status["made"] if thing.startswith("iam-role/")]
    for arn in status["taskDefinitions"].values():
        definition = quiet_account.ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
        assert (definition["executionRoleArn"], definition["taskRoleArn"]) == (arns["execution"], arns["task"])
    lone_tenant.delete(name)
    lone_tenant.wait_until_gone(name)
    assert {role: role_as_it_is(quiet_account, name) for role, name in given.items()} == before


@pytest.mark.parametrize(
    "operator_options",
    [
        [
            *(
                "--allow-task-role-policy",
                _READ_S3,
                "--permissions-boundary",
                _BOUNDARY,
                "--allow-log-group",
                "dask-ecs",
            ),
            *("--operator-cidr", "192.0.2.0/24"),
        ]
    ],
)
def test_made_roles_carry_the_boundary_and_the_group_admits_the_operator(
    lone_tenant: Tenant, quiet_account: AwsAccount, operator_options: list[str]
) -> None:
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    quiet_account.iam.create_policy(PolicyName="tasks-boundary", PolicyDocument=json.dumps(everything))
    name = lone_tenant.apply(
        manifest(iam={"taskRolePolicies": [_READ_S3]}, network={"allowedCidrs": ["198.51.100.0/24"]})
    )
    status = lone_tenant.wait_until_ready(name)
    roles = {role: role_as_it_is(quiet_account, arn.rsplit("/")[-1]) for role, arn in status["roles"].items()}
    assert {role["PermissionsBoundary"]["PermissionsBoundaryArn"] for role in roles.values()} == {_BOUNDARY}
    assert [policy["PolicyArn"] for policy in roles["task"]["attached"]] == [_READ_S3]
    assert roles["execution"]["attached"] == []
    (group,) = quiet_account.ec2.describe_security_groups(GroupIds=[status["securityGroupId"]])["SecurityGroups"]
    admitted = {
        (rule["FromPort"], cidr["CidrIp"]) for rule in group["IpPermissions"] for cidr in rule.get("IpRanges", ())
    }
    assert admitted == {(port, cidr) for port in (8786, 8787) for cidr in ("198.51.100.0/24", "192.0.2.0/24")}
    lone_tenant.delete(name)
    lone_tenant.wait_until_gone(name)
    assert [role for role in roles if role_exists(quiet_account, status["roles"][role])] == []


def role_exists(account: AwsAccount, arn: str) -> bool:
    pages = account.iam.get_paginator("list_roles").paginate()
    return arn in {role["Arn"] for page in pages for role in page["Roles"]}


def test_given_subnets_and_security_groups_are_used_and_left_as_they_are(tenant: Tenant, account: AwsAccount) -> None:
    subnet = account.ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"][1]
    group = account.ec2.create_security_group(GroupName=tenant.namespace, Description="theirs", VpcId=subnet["VpcId"])[
        "GroupId"
    ]
    before = account.ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    name = tenant.apply(
        manifest(network={"vpcId": subnet["VpcId"], "subnets": [subnet["SubnetId"]], "securityGroups": [group]})
    )
    status = tenant.wait_until_ready(name)
    assert "securityGroupId" not in status
    requests = [call["parameters"] for call in account.aws.call_log("ecs:RunTask")]
    networks = [
        request["networkConfiguration"]["awsvpcConfiguration"]
        for request in requests
        if request["cluster"] == status["clusterArn"]
    ]
    expected = {"subnets": [subnet["SubnetId"]], "securityGroups": [group], "assignPublicIp": "ENABLED"}
    assert all(network == expected for network in networks)
    tenant.delete(name)
    tenant.wait_until_gone(name)
    assert account.ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"] == before


@pytest.mark.parametrize("thing", ["role", "security group", "ECS cluster"])
def test_a_thing_of_somebody_else_with_the_name_of_ours_is_named_and_never_touched(
    lone_tenant: Tenant, quiet_account: AwsAccount, thing: str
) -> None:
    lone_tenant.operator.terminate()
    name = lone_tenant.apply(manifest())
    install = names.short_hash(lone_tenant.namespace, length=8)
    settings = Settings(install=install, default_region="eu-west-1", default_image="")
    target = Target(cluster=DaskCluster.read(lone_tenant.get(name) or {}), settings=settings)
    if thing == "role":
        make_role(quiet_account, made.role_name(target, "task"))
    elif thing == "security group":
        (vpc,) = quiet_account.ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
        quiet_account.ec2.create_security_group(
            GroupName=made.security_group_name(target), Description="theirs", VpcId=vpc["VpcId"]
        )
    else:
        quiet_account.ecs.create_cluster(clusterName=made.ecs_cluster_name(target))

    def theirs() -> Any:
        if thing == "role":
            return role_as_it_is(quiet_account, made.role_name(target, "task"))
        if thing == "security group":
            return quiet_account.ec2.describe_security_groups(
                Filters=[{"Name": "group-name", "Values": [made.security_group_name(target)]}]
            )["SecurityGroups"]
        return quiet_account.ecs.describe_clusters(clusters=[made.ecs_cluster_name(target)])["clusters"]

    before = theirs()
    lone_tenant.operator.restart()
    condition = lone_tenant.wait_for_condition(name, "Stalled", reason="NotOurs")
    assert "was not made for these clusters, or has lost its tags; rename or delete it" in condition["message"]
    assert kstatus(lone_tenant.get(name)) == "Failed"
    lone_tenant.delete(name)
    lone_tenant.wait_until_gone(name)
    assert theirs() == before
    assert before
    left = [event["message"] for event in lone_tenant.events(name) if event["reason"] == "LeftBehind"]
    assert any(condition["message"].split(" was not made")[0].split()[-1] in message for message in left)
