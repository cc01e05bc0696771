"""What a spec says of its tasks: what AWS is asked for, and what Dask finds in them."""

import json
import os
from pathlib import Path
from typing import Any

import dask.config
import pytest
from dask.utils import parse_bytes

from .aws_account import AwsAccount
from .connecting import connect
from .tenant import SMALL, Tenant, manifest
from .test_given_things import make_role
from .waiting import until

_ACCOUNT = "123456789012"
_REGION = "eu-west-1"


def _secret(account: AwsAccount, name: str) -> str:
    """Make a secret of two keys; return its ARN."""
    value = json.dumps({"username": "ada", "password": "sesame"})
    return str(account.client("secretsmanager").create_secret(Name=name, SecretString=value)["ARN"])


def _parameter(account: AwsAccount, name: str) -> str:
    """Make a parameter; return its ARN."""
    account.client("ssm").put_parameter(Name=name, Value="open", Type="SecureString")
    return f"arn:aws:ssm:{_REGION}:{_ACCOUNT}:parameter{name}"


def _definition(account: AwsAccount, arn: str) -> dict[str, Any]:
    return dict(account.ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"])


@pytest.mark.parametrize("operator_options", [["--allow-secret", "arn:aws:*:eu-west-1:123456789012:*"]])
def test_tasks_have_their_secrets_sidecars_volumes_and_disk_and_dask_fits_what_is_left(
    lone_tenant: Tenant, quiet_account: AwsAccount, operator_options: list[str]
) -> None:
    secret = _secret(quiet_account, f"{lone_tenant.namespace}/database")
    parameter = _parameter(quiet_account, f"/{lone_tenant.namespace}/token")
    group = f"/{lone_tenant.namespace}"
    agent = {
        "name": "agent",
        "image": "busybox",
        "cpu": "100m",
        "command": ["sh", "-c", 'echo "password of ${#PASSWORD} characters"; echo $TOKEN > /shared/token; sleep 600'],
        "secrets": [{"name": "PASSWORD", "valueFrom": f"{secret}:password::"}],
        "mountPoints": [{"sourceVolume": "shared", "containerPath": "/shared"}],
        "environment": [{"name": "TOKEN", "value": "from the agent"}],
    }
    name = lone_tenant.apply(
        manifest(
            secrets=[{"name": "TOKEN", "valueFrom": parameter}],
            volumes=[{"name": "shared"}],
            logs={"group": group, "deletionPolicy": "Delete"},
            worker={
                "ephemeralStorage": "30Gi",
                "stopTimeout": 40,
                "sidecars": [agent],
                "secrets": [{"name": "PASSWORD", "valueFrom": f"{secret}:password::"}],
                "mountPoints": [{"sourceVolume": "shared", "containerPath": "/shared", "readOnly": True}],
            },
        )
    )
    status = lone_tenant.wait_until_ready(name)

    with connect(lone_tenant, name) as client:
        (worker,) = client.scheduler_info()["workers"].values()
        assert worker["memory_limit"] == (1024 - 256) * 2**20
        assert list(client.run(lambda: (os.getenv("TOKEN"), os.getenv("PASSWORD"))).values()) == [("open", "sesame")]
        assert client.run_on_scheduler(lambda: (os.getenv("TOKEN"), os.getenv("PASSWORD"))) == ("open", None)
        assert list(client.run(Path("/shared/token").read_text).values()) == ["from the agent\n"]
        (spill,) = client.run(lambda: dask.config.get("distributed.worker.memory.max-spill")).values()
        assert parse_bytes(spill) == 20 * 2**30

    scheduler, definition = (_definition(quiet_account, arn) for _, arn in sorted(status["taskDefinitions"].items()))
    assert "ephemeralStorage" not in scheduler
    assert definition["ephemeralStorage"] == {"sizeInGiB": 30}
    assert definition["volumes"] == [{"name": "shared"}]
    container, sidecar = definition["containerDefinitions"]
    assert container["stopTimeout"] == 40
    assert (container["essential"], sidecar["essential"]) == (True, False)
    assert (container["cpu"], sidecar["cpu"], sidecar["memory"]) == (256 - 102, 102, 256)
    assert "sesame" not in json.dumps(quiet_account.tasks(status["clusterArn"]), default=str)
    (task,) = quiet_account.live_tasks(status["clusterArn"], role="worker")
    stream = f"worker/agent/{task['taskArn'].rsplit('/', 1)[-1]}"

    def said() -> list[str]:
        events = quiet_account.logs.get_log_events(logGroupName=group, logStreamName=stream)["events"]
        return [event["message"] for event in events]

    until(lambda: said() == ["password of 6 characters"], shown=lambda: str(said()))

    role = status["roles"]["execution"].rsplit("/", 1)[-1]
    document: Any = quiet_account.iam.get_role_policy(RoleName=role, PolicyName="dask-ecs")["PolicyDocument"]
    reading = [
        (statement["Action"], statement["Resource"], statement.get("Condition"))
        for statement in document["Statement"]
        if str(statement["Action"]).startswith(("secretsmanager:", "ssm:"))
    ]
    certificate = f"{status['tls']['secretArn'][:-6]}??????"
    assert reading == [
        ("secretsmanager:GetSecretValue", certificate, None),
        ("secretsmanager:GetSecretValue", [secret], None),
        ("ssm:GetParameters", [parameter], None),
    ]

    lone_tenant.delete(name)
    lone_tenant.wait_until_gone(name)
    groups = quiet_account.logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert groups == []


@pytest.mark.parametrize(
    "operator_options",
    [
        [
            *("--allow-task-definition", "arn:aws:ecs:*:123456789012:task-definition/theirs-*"),
            *("--allow-role", "arn:aws:iam::123456789012:role/*-theirs"),
        ]
    ],
)
def test_a_task_definition_of_ones_own_is_run_and_stays_as_it_is(
    lone_tenant: Tenant, quiet_account: AwsAccount, operator_options: list[str]
) -> None:
    role = make_role(quiet_account, f"{lone_tenant.namespace[:40]}-theirs")
    log = {"name": "log", "image": "busybox", "command": ["sleep", "600"], "essential": False, "memory": 100}

    def register(**certificate: Any) -> str:
        dask: Any = {"name": "dask", "image": "ghcr.io/dask/dask", "essential": True, **certificate}
        registered = quiet_account.ecs.register_task_definition(
            family=f"theirs-{lone_tenant.namespace}",
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu="256",
            memory="1024",
            executionRoleArn=role,
            containerDefinitions=[log, dask],  # type: ignore[list-item]
        )
        return registered["taskDefinition"]["taskDefinitionArn"]

    bare = register()
    name = lone_tenant.apply(
        manifest(
            scheduler={**SMALL, "taskDefinitionArn": bare},
            worker={"cpu": 4, "memory": "8Gi", "taskDefinitionArn": bare},
            environment=[{"name": "COLOUR", "value": "blue"}],
        )
    )

    def with_what_is_lacking(field: str) -> str:
        def told() -> str:
            condition = lone_tenant.condition(name, "Stalled")
            lacks = condition.get("reason") == "TaskDefinitionLacksCertificate" and field in condition["message"]
            return condition["message"] if lacks else ""

        message = until(told, shown=lambda: lone_tenant.shown(name))
        return register(secrets=json.JSONDecoder().raw_decode(message[message.index("[{") :])[0])

    arns = {}
    for each in ("scheduler", "worker"):
        arns[each] = with_what_is_lacking(f"spec.{each}.taskDefinitionArn")
        lone_tenant.patch(name, {each: {"taskDefinitionArn": arns[each]}})
    status = lone_tenant.wait_until_ready(name)
    assert status["taskDefinitions"] == arns
    with connect(lone_tenant, name) as client:
        (worker,) = client.scheduler_info()["workers"].values()
        assert (worker["nthreads"], worker["memory_limit"]) == (1, (1024 - 100) * 2**20)
        assert list(client.run(os.getenv, "COLOUR").values()) == ["blue"]
    lone_tenant.delete(name)
    lone_tenant.wait_until_gone(name)
    assert {_definition(quiet_account, arn)["status"] for arn in arns.values()} == {"ACTIVE"}


def test_what_the_spec_asks_of_a_role_reaches_that_roles_definition(tenant: Tenant, account: AwsAccount) -> None:
    name = tenant.apply(
        manifest(
            replicas=0,
            volumes=[
                {
                    "name": "datasets",
                    "efsVolumeConfiguration": {
                        "fileSystemId": "fs-0123456789abcdef0",
                        "authorizationConfig": {"accessPointId": "fsap-0123456789abcdef0", "iam": "ENABLED"},
                    },
                }
            ],
            logs={"group": f"/{tenant.namespace}", "streamPrefix": "nightly", "retentionDays": 7},
            scheduler={
                **SMALL,
                "mountPoints": [{"sourceVolume": "datasets", "containerPath": "/datasets", "readOnly": True}],
                "extraArgs": ["--no-show"],
                "environment": [{"name": "COLOUR", "value": "blue"}],
                "image": "daskdev/dask:latest",
                "ephemeralStorage": "200Gi",
                "stopTimeout": 120,
                "ulimits": [{"name": "nofile", "softLimit": 4096, "hardLimit": 8192}],
                "healthCheck": {"command": ["CMD-SHELL", "true"], "interval": 60},
            },
            worker={"mountPoints": [{"sourceVolume": "datasets", "containerPath": "/datasets"}]},
        )
    )
    status = tenant.wait_until_ready(name)
    scheduler, worker = (_definition(account, arn) for _, arn in sorted(status["taskDefinitions"].items()))
    assert scheduler["ephemeralStorage"] == {"sizeInGiB": 200}
    (container,) = scheduler["containerDefinitions"]
    assert (container["image"], container["stopTimeout"]) == ("daskdev/dask:latest", 120)
    assert container["ulimits"] == [{"name": "nofile", "softLimit": 4096, "hardLimit": 8192}]
    assert (container["healthCheck"]["command"], container["healthCheck"]["interval"]) == (["CMD-SHELL", "true"], 60)
    assert {"name": "COLOUR", "value": "blue"} in container["environment"]
    assert container["mountPoints"] == [{"sourceVolume": "datasets", "containerPath": "/datasets", "readOnly": True}]
    options = container["logConfiguration"]["options"]
    assert options["awslogs-group"] == f"/{tenant.namespace}"
    assert options["awslogs-stream-prefix"] == "nightly"
    (logs,) = account.logs.describe_log_groups(logGroupNamePrefix=f"/{tenant.namespace}")["logGroups"]
    assert logs["retentionInDays"] == 7
    (task,) = account.live_tasks(status["clusterArn"], role="scheduler")
    assert "--no-show" in task["overrides"]["containerOverrides"][0]["command"]
    assert scheduler["volumes"] == worker["volumes"]
    assert worker["volumes"] == [
        {
            "name": "datasets",
            "efsVolumeConfiguration": {
                "fileSystemId": "fs-0123456789abcdef0",
                "transitEncryption": "ENABLED",
                "authorizationConfig": {"accessPointId": "fsap-0123456789abcdef0", "iam": "ENABLED"},
            },
        }
    ]
    (container,) = worker["containerDefinitions"]
    assert container["mountPoints"] == [{"sourceVolume": "datasets", "containerPath": "/datasets", "readOnly": False}]
