"""The whole life of a cluster under exactly the policy that `dask-ecs iam-policy` prints, and under less."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from dask_ecs.local.aws.handle import LocalAWS
from dask_ecs.local.controlplane.run import ControlPlane
from dask_ecs.local.stack import apply_crds

from .aws_account import AwsAccount
from .aws_user import AwsUser, Policy, printed_policies
from .conftest import named_after, namespace
from .operator_process import OperatorProcess
from .tenant import Tenant, manifest

INSTALL = "permissions"


@pytest.fixture(scope="module")
def account(control_plane: ControlPlane) -> Iterator[AwsAccount]:
    """An account whose tasks are simulated: what they compute is not asked for here."""
    apply_crds(control_plane.kubeconfig)
    with LocalAWS.start(executor="sim", delays={"role_assumable": 0.0, "provisioning": 0.1, "pending": 0.1}) as aws:
        yield AwsAccount(aws)


@contextlib.contextmanager
def served_by(
    user: AwsUser, control_plane: ControlPlane, request: pytest.FixtureRequest, log: Path, *options: str
) -> Iterator[Tenant]:
    """A namespace whose operator has the user's keys."""
    with namespace(control_plane.kubeconfig, name=named_after(request)) as name:
        environment = {"KUBECONFIG": str(control_plane.kubeconfig), **user.environment}
        arguments = ["--namespace", name, "--install", INSTALL, *options]
        with OperatorProcess(*arguments, environment=environment, log=log) as operator:
            operator.wait_until_ready()
            yield Tenant(control_plane.kubeconfig, name, operator)


def scoped(account: AwsAccount) -> list[str]:
    return ["--install", INSTALL, "--account", "123456789012", "--region", account.aws.region]


def live_through(tenant: Tenant, body: Mapping[str, Any]) -> None:
    """Apply, scale up and down, edit, delete."""
    name = tenant.apply(body)
    tenant.wait_until_ready(name, workers=1)
    tenant.scale(name, 3)
    tenant.wait_until_ready(name, workers=3)
    tenant.scale(name, 1)
    tenant.wait_until_ready(name, workers=1)
    tenant.delete(name)
    tenant.wait_until_gone(name)


def test_a_cluster_for_which_all_is_made_needs_no_more_than_the_policy(
    account: AwsAccount, control_plane: ControlPlane, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    allowed = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    policies = printed_policies(*scoped(account), "--allow-task-role-policy", allowed)
    user = AwsUser(account, named_after(request), policies)
    with served_by(user, control_plane, request, tmp_path / "log", "--allow-task-role-policy", allowed) as tenant:
        live_through(tenant, manifest(iam={"taskRolePolicies": [allowed]}, tags={"team": "research"}))
    assert user.refusals() == []


def given_things(account: AwsAccount, name: str) -> dict[str, Any]:
    """Make what a platform team gives, and return the spec that names it."""
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
    roles = [
        account.iam.create_role(RoleName=f"{name[:40]}-{use}", AssumeRolePolicyDocument=json.dumps(trust))["Role"][
            "Arn"
        ]
        for use in ("execution", "task")
    ]
    secrets = f"arn:aws:secretsmanager:{account.aws.region}:123456789012:secret:dask-{INSTALL}-*"
    reads = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": secrets}
    account.iam.put_role_policy(
        RoleName=f"{name[:40]}-execution",
        PolicyName="certificate",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [reads]}),
    )
    vpc = account.ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    group = account.ec2.create_security_group(GroupName=name, Description="given", VpcId=vpc)["GroupId"]
    account.logs.create_log_group(logGroupName=name)
    return {
        "clusterArn": account.ecs.create_cluster(clusterName=name)["cluster"]["clusterArn"],
        "iam": {"executionRoleArn": roles[0], "taskRoleArn": roles[1]},
        "network": {"securityGroups": [group]},
        "logs": {"group": name},
    }


def test_a_cluster_for_which_all_is_given_needs_no_more_than_the_small_policy(
    account: AwsAccount, control_plane: ControlPlane, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    body = manifest(**given_things(account, named_after(request)))
    file = tmp_path / "cluster.json"
    file.write_text(json.dumps(body))
    policies = printed_policies(*scoped(account), "--filename", str(file), "--all-resources-given")
    user = AwsUser(account, named_after(request), policies)
    with served_by(user, control_plane, request, tmp_path / "log", "--allow-role", "*") as tenant:
        live_through(tenant, body)
    assert {operation for operation, _ in user.refusals()} <= {"logs:CreateLogGroup"}


def without(policies: list[Policy], action: str) -> list[Policy]:
    """Return the policies with one action taken out of them."""
    kept: list[Policy] = []
    for policy in policies:
        statements = []
        for statement in policy["Statement"]:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            left = [each for each in actions if each != action]
            statements += [{**statement, "Action": left}] if left else []
        kept.append({**policy, "Statement": statements})
    return kept


@pytest.mark.parametrize(
    ("action", "condition_type"),
    [("iam:PassRole", "Ready"), ("ec2:AuthorizeSecurityGroupIngress", "NetworkReady")],
    ids=["PassRole", "AuthorizeSecurityGroupIngress"],
)
def test_what_is_lacking_is_named_with_the_statement_that_mends_it(
    account: AwsAccount,
    control_plane: ControlPlane,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    action: str,
    condition_type: str,
) -> None:
    user = AwsUser(account, named_after(request), without(printed_policies(*scoped(account)), action))
    with served_by(user, control_plane, request, tmp_path / "log") as tenant:
        name = tenant.apply(manifest())
        message = tenant.wait_for_condition(name, "Stalled", reason="AccessDenied")["message"]
        statement = json.JSONDecoder().raw_decode(message[message.index('{"Effect"') :])[0]
        assert statement["Action"] == action
        assert tenant.condition(name, condition_type)["message"] == message
        user.allow({"Version": "2012-10-17", "Statement": [statement]})
        if action == "iam:PassRole":  # each role is refused by itself, and this was said of one of them
            user.allow(*printed_policies(*scoped(account)))
        tenant.scale(name, 2)
        tenant.wait_until_ready(name, workers=2)
        tenant.delete(name)
        tenant.wait_until_gone(name)
