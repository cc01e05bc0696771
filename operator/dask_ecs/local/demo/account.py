"""What an AWS account holds, as AWS itself says it."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self

import boto3
import botocore.session
from botocore.config import Config

from dask_ecs.local.aws.handle import LocalAWS


class Account:
    """Clients for the AWS APIs, as anybody has them who looks after the account."""

    def __init__(self, aws: LocalAWS) -> None:
        variables = aws.environment
        # Neither the user's profile nor a proxy has anything to do with an AWS on this machine.
        alone = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
        session: Any = boto3.Session(  # Any: its stubs are of the tests
            botocore_session=alone,
            aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
            region_name=aws.region,
        )

        def client(service: str) -> Any:
            return session.client(service, endpoint_url=aws.url, config=Config(proxies={}))

        self.ecs, self.ec2, self.iam = client("ecs"), client("ec2"), client("iam")
        self.logs, self.ssm, self.secrets = client("logs"), client("ssm"), client("secretsmanager")

    def tasks(self, cluster: str) -> list[Mapping[str, Any]]:
        """Return the tasks of an ECS cluster that have not stopped."""
        arns = [
            arn
            for status in ("RUNNING", "STOPPED")  # the status that is wanted: a task on its way out has the second
            for arn in pages(self.ecs, "list_tasks", "taskArns", cluster=cluster, desiredStatus=status)
        ]
        described: list[Mapping[str, Any]] = []
        for start in range(0, len(arns), 100):
            described += self.ecs.describe_tasks(cluster=cluster, tasks=arns[start : start + 100])["tasks"]
        return [task for task in described if task["lastStatus"] != "STOPPED"]

    def active_clusters(self) -> list[str]:
        """Return the ARNs of the ECS clusters that are not deleted."""
        arns = list(pages(self.ecs, "list_clusters", "clusterArns"))
        described = self.ecs.describe_clusters(clusters=arns)["clusters"] if arns else []
        return [cluster["clusterArn"] for cluster in described if cluster["status"] == "ACTIVE"]


def pages(client: Any, operation: str, key: str, **parameters: Any) -> Iterator[Any]:
    """Yield what is under ``key`` on all pages of a list operation."""
    for page in client.get_paginator(operation).paginate(**parameters):
        yield from page[key]


@dataclasses.dataclass(frozen=True)
class Inventory:
    """The names of all there is in an account, by kind."""

    found: Mapping[str, frozenset[str]]

    @classmethod
    def take(cls, account: Account) -> Self:
        """Ask AWS."""
        return cls({kind: frozenset(names(account)) for kind, names in _KINDS.items()})

    def beyond(self, other: "Inventory") -> dict[str, frozenset[str]]:
        """Return what is here and not in ``other``, by kind; kinds without any are left out."""
        more = {kind: names - other.found[kind] for kind, names in self.found.items()}
        return {kind: names for kind, names in more.items() if names}


def table(moments: Mapping[str, Inventory]) -> list[list[str]]:
    """Return a table: a row for each kind, a column for each moment, how many there were."""
    rows = [[kind, *(str(len(moment.found[kind])) for moment in moments.values())] for kind in _KINDS]
    return [["", *moments], *rows]


def _container_instances(account: Account) -> Iterator[str]:
    for cluster in account.active_clusters():
        yield from pages(account.ecs, "list_container_instances", "containerInstanceArns", cluster=cluster)


def _tasks(account: Account) -> Iterator[str]:
    for cluster in account.active_clusters():
        yield from (task["taskArn"] for task in account.tasks(cluster))


LOG_GROUPS = "CloudWatch log groups"

_KINDS: Mapping[str, Callable[[Account], Iterator[str] | list[str]]] = {
    "ECS clusters": Account.active_clusters,
    "ECS container instances": _container_instances,
    "ECS tasks": _tasks,
    "ECS task definitions, active": lambda account: list(
        pages(account.ecs, "list_task_definitions", "taskDefinitionArns", status="ACTIVE")
    ),
    "IAM roles": lambda account: [role["Arn"] for role in pages(account.iam, "list_roles", "Roles")],
    "security groups": lambda account: [
        group["GroupId"] for group in pages(account.ec2, "describe_security_groups", "SecurityGroups")
    ],
    "network interfaces": lambda account: [
        interface["NetworkInterfaceId"]
        for interface in pages(account.ec2, "describe_network_interfaces", "NetworkInterfaces")
    ],
    "secrets": lambda account: [secret["ARN"] for secret in pages(account.secrets, "list_secrets", "SecretList")],
    LOG_GROUPS: lambda account: [
        group["logGroupName"] for group in pages(account.logs, "describe_log_groups", "logGroups")
    ],
}
