"""What AWS is asked to make for a Fargate cluster: as little, as closed and as well marked as works."""

import importlib.metadata
from collections.abc import Mapping
from typing import Any

import pytest

from .aws_account import AwsAccount
from .tenant import RunningCluster, Tenant, manifest

_ACCOUNT, _REGION = "123456789012", "eu-west-1"


def _definition(running: RunningCluster, role: str) -> dict[str, Any]:
    arn = running.status["taskDefinitions"][role]
    return dict(running.account.ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"])


@pytest.mark.parametrize("role", ["scheduler", "worker"])
def test_a_task_definition_has_the_shape_image_roles_and_logs_of_the_spec(running: RunningCluster, role: str) -> None:
    definition = _definition(running, role)
    (container,) = definition["containerDefinitions"]
    assert (definition["cpu"], definition["memory"]) == ("256", "1024")
    assert definition["networkMode"] == "awsvpc"
    assert definition["requiresCompatibilities"] == ["FARGATE"]
    assert definition["runtimePlatform"] == {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"}
    assert definition["executionRoleArn"] == running.status["roles"]["execution"]
    assert definition["taskRoleArn"] == running.status["roles"]["task"]
    assert container["name"] == role
    assert container["image"] == f"ghcr.io/dask/dask:{importlib.metadata.version('dask')}" == running.status["image"]
    assert {"name": "COLOUR", "value": "blue"} in container["environment"]
    assert container["logConfiguration"] == {
        "logDriver": "awslogs",
        "options": {"awslogs-group": "dask-ecs", "awslogs-region": _REGION, "awslogs-stream-prefix": role},
    }


def test_a_worker_has_two_minutes_to_move_its_results(running: RunningCluster) -> None:
    assert _definition(running, "worker")["containerDefinitions"][0]["stopTimeout"] == 120


def test_the_scheduler_s_health_is_checked_by_ecs(running: RunningCluster) -> None:
    (container,) = _definition(running, "scheduler")["containerDefinitions"]
    assert "8786" in container["healthCheck"]["command"][-1]
    assert [mapping["containerPort"] for mapping in container["portMappings"]] == [8786, 8787]


def test_the_security_group_admits_the_cluster_itself_and_the_vpc_on_two_ports(running: RunningCluster) -> None:
    group_id = running.status["securityGroupId"]
    (group,) = running.account.ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"]
    (vpc,) = running.account.ec2.describe_vpcs(VpcIds=[running.status["network"]["vpcId"]])["Vpcs"]
    rules = {
        (rule["FromPort"], rule["ToPort"], source)
        for rule in group["IpPermissions"]
        for source in [
            *(pair["GroupId"] for pair in rule["UserIdGroupPairs"]),
            *(admitted["CidrIp"] for admitted in rule["IpRanges"]),
            *(admitted["CidrIpv6"] for admitted in rule["Ipv6Ranges"]),
        ]
    }
    assert rules == {(0, 65535, group_id), (8786, 8786, vpc["CidrBlock"]), (8787, 8787, vpc["CidrBlock"])}
    assert {rule["IpProtocol"] for rule in group["IpPermissions"]} == {"tcp"}


@pytest.mark.parametrize("role", ["execution", "task"])
def test_a_role_trusts_the_ecs_tasks_of_this_account_and_region_alone(running: RunningCluster, role: str) -> None:
    name = running.status["roles"][role].rsplit("/", 1)[-1]
    trust: Any = running.account.iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    assert trust["Statement"] == [
        {
            "Effect": "Allow",
            "Principal": {"Service": "ecs-tasks.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": _ACCOUNT},
                "ArnLike": {"aws:SourceArn": f"arn:aws:ecs:{_REGION}:{_ACCOUNT}:*"},
            },
        }
    ]


def test_the_execution_role_may_pull_images_read_the_certificate_and_write_this_log_group_and_no_more(
    running: RunningCluster,
) -> None:
    name, iam = running.status["roles"]["execution"].rsplit("/", 1)[-1], running.account.iam
    assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []
    (policy,) = iam.list_role_policies(RoleName=name)["PolicyNames"]
    document: Any = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
    allowed = {
        (action, statement["Resource"])
        for statement in document["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }
    streams = f"arn:aws:logs:{_REGION}:{_ACCOUNT}:log-group:dask-ecs:log-stream:*"
    images = "arn:aws:ecr:*:*:repository/*"
    certificate = f"{running.status['tls']['secretArn'][:-6]}??????"
    assert allowed == {
        ("ecr:GetAuthorizationToken", "*"),  # it knows no resources
        ("ecr:BatchCheckLayerAvailability", images),
        ("ecr:GetDownloadUrlForLayer", images),
        ("ecr:BatchGetImage", images),
        ("logs:CreateLogStream", streams),
        ("logs:PutLogEvents", streams),
        ("secretsmanager:GetSecretValue", certificate),
    }


def test_the_task_role_may_do_nothing(running: RunningCluster) -> None:
    name, iam = running.status["roles"]["task"].rsplit("/", 1)[-1], running.account.iam
    assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == []


def test_the_log_group_forgets_after_thirty_days_and_holds_what_dask_says(running: RunningCluster) -> None:
    logs = running.account.logs
    (group,) = logs.describe_log_groups(logGroupNamePrefix="dask-ecs")["logGroups"]
    assert group["retentionInDays"] == 30
    task_id = running.status["schedulerTaskArn"].rsplit("/", 1)[-1]
    said = logs.get_log_events(logGroupName="dask-ecs", logStreamName=f"scheduler/scheduler/{task_id}")["events"]
    assert any(running.status["schedulerAddress"] in event["message"] for event in said)


def test_tasks_are_marked_with_whose_they_are(running: RunningCluster) -> None:
    tasks = running.account.tasks(running.ecs_cluster)
    assert len(tasks) == 3
    assert len({task["startedBy"] for task in tasks}) == 1
    install, uid = tasks[0]["startedBy"].removeprefix("dask/").split("/")
    assert uid == running.uid
    for task in tasks:
        assert {tag["key"]: tag["value"] for tag in task["tags"]} == _tags(running, install)


def test_what_clusters_of_a_namespace_share_carries_the_namespaces_mark_alone(running: RunningCluster) -> None:
    made = _tags_of_what_was_made(running.account, running.status)
    install = made["cluster"]["ecs.dask.org/install"]
    expected = {"ecs.dask.org/install": install, "ecs.dask.org/namespace": running.tenant.namespace}
    assert made == dict.fromkeys(made, expected)


def test_what_an_isolated_cluster_has_made_carries_the_users_tags_too(tenant: Tenant, account: AwsAccount) -> None:
    name = tenant.apply(manifest(replicas=0, isolation="cluster", tags={"team": "research"}))
    status = tenant.wait_until_ready(name)
    isolated = RunningCluster(tenant, account, tenant.get(name) or {})
    made = _tags_of_what_was_made(account, status)
    assert made == dict.fromkeys(made, _tags(isolated, made["cluster"]["ecs.dask.org/install"]))


def _tags_of_what_was_made(account: AwsAccount, status: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    (cluster,) = account.ecs.describe_clusters(clusters=[status["clusterArn"]], include=["TAGS"])["clusters"]
    made: dict[str, Any] = {"cluster": cluster["tags"]}
    for role, arn in status["taskDefinitions"].items():
        made[role] = account.ecs.describe_task_definition(taskDefinition=arn, include=["TAGS"])["tags"]
    for role, arn in status["roles"].items():
        made[f"{role} role"] = account.iam.list_role_tags(RoleName=arn.rsplit("/", 1)[-1])["Tags"]
    groups = account.ec2.describe_security_groups(GroupIds=[status["securityGroupId"]])["SecurityGroups"]
    made["security group"] = groups[0]["Tags"]
    return {
        what: {tag.get("key") or tag["Key"]: tag.get("value") or tag["Value"] for tag in tags}
        for what, tags in made.items()
    }


def _tags(running: RunningCluster, install: str) -> dict[str, str]:
    return {
        "team": "research",
        "ecs.dask.org/install": install,
        "ecs.dask.org/uid": running.uid,
        "ecs.dask.org/namespace": running.tenant.namespace,
        "ecs.dask.org/name": "demo",
    }


def test_workers_are_asked_for_in_one_call(running: RunningCluster) -> None:
    log = running.account.aws.call_log("ecs:RunTask")
    counts = [
        call["parameters"]["count"] for call in log if call["parameters"].get("startedBy", "").endswith(running.uid)
    ]
    assert counts == [1, 2]


def test_a_new_role_that_ecs_can_not_assume_yet_is_waited_for_in_silence(
    lone_tenant: Tenant, quiet_account: AwsAccount
) -> None:
    quiet_account.aws.delays(role_assumable=2)
    quiet_account.aws.reset_calls()
    name = lone_tenant.apply(manifest())
    lone_tenant.wait_until_ready(name)
    outcomes = [call["outcome"] for call in quiet_account.aws.call_log("ecs:RunTask")]
    assert outcomes[0] == "ClientException"
    assert outcomes.count("") == 2
    assert {event["type"] for event in lone_tenant.events(name)} == {"Normal"}
