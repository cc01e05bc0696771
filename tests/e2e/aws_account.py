"""The AWS account beside the operator: what it holds of a cluster."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3

from dask_ecs.local.aws.handle import LocalAWS

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_ecs.type_defs import TaskTypeDef
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_logs import CloudWatchLogsClient


@dataclass(frozen=True)
class AwsAccount:
    """Clients of a local AWS, in its own region unless another is named, and questions that many tests ask."""

    aws: LocalAWS
    region: str | None = None

    @cached_property
    def ecs(self) -> "ECSClient":
        return self.client("ecs")  # type: ignore[no-any-return]

    @cached_property
    def ec2(self) -> "EC2Client":
        return self.client("ec2")  # type: ignore[no-any-return]

    @cached_property
    def iam(self) -> "IAMClient":
        return self.client("iam")  # type: ignore[no-any-return]

    @cached_property
    def logs(self) -> "CloudWatchLogsClient":
        return self.client("logs")  # type: ignore[no-any-return]

    @cached_property
    def secrets(self) -> Any:
        return self.client("secretsmanager")

    def client(self, service: str) -> Any:
        """Return a client of another service."""
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.aws.url,
            region_name=self.region or self.aws.region,
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )

    def tasks(self, ecs_cluster: str, *, uid: str | None = None, role: str | None = None) -> list["TaskTypeDef"]:
        """Return an ECS cluster's tasks, ended ones too, oldest first; of one DaskCluster, of one role."""
        if not self.ecs.describe_clusters(clusters=[ecs_cluster])["clusters"]:
            return []
        arns: list[str] = []
        for desired in ("RUNNING", "STOPPED"):
            pages = self.ecs.get_paginator("list_tasks").paginate(cluster=ecs_cluster, desiredStatus=desired)
            arns += [arn for page in pages for arn in page["taskArns"]]
        found: list[TaskTypeDef] = []
        for start in range(0, len(arns), 100):
            found += self.ecs.describe_tasks(cluster=ecs_cluster, tasks=arns[start : start + 100], include=["TAGS"])[
                "tasks"
            ]
        return sorted(
            (
                task
                for task in found
                if (uid is None or task.get("startedBy", "").endswith(f"/{uid}"))
                and any(role in (None, container["name"]) for container in task["containers"])
            ),
            key=lambda task: task["createdAt"],
        )

    def live_tasks(self, ecs_cluster: str, *, uid: str | None = None, role: str | None = None) -> list["TaskTypeDef"]:
        """Return those of them that nobody has asked to stop and that have not ended."""
        return [task for task in self.tasks(ecs_cluster, uid=uid, role=role) if task["desiredStatus"] == "RUNNING"]

    def leftovers(self, uid: str, *, namespace: str) -> list[str]:
        """Return what the account still holds of a DaskCluster, and of its namespace, but for log groups: ARNs, ids."""
        mark = {"key": "ecs.dask.org/namespace", "value": namespace}
        upper = {"Key": mark["key"], "Value": mark["value"]}
        held: list[str] = []
        arns = [arn for page in self.ecs.get_paginator("list_clusters").paginate() for arn in page["clusterArns"]]
        for cluster in self.ecs.describe_clusters(clusters=arns, include=["TAGS"])["clusters"] if arns else ():
            if mark in cluster.get("tags", ()):
                held.append(cluster["clusterArn"])
            tasks = self.tasks(cluster["clusterArn"], uid=uid)
            held += [task["taskArn"] for task in tasks if task["lastStatus"] != "STOPPED"]
        for page in self.ecs.get_paginator("list_task_definitions").paginate(status="ACTIVE"):
            for arn in page["taskDefinitionArns"]:
                tags = self.ecs.describe_task_definition(taskDefinition=arn, include=["TAGS"]).get("tags", ())
                held += [arn] if mark in tags else []
        for roles in self.iam.get_paginator("list_roles").paginate():
            for role in roles["Roles"]:
                role_tags = self.iam.list_role_tags(RoleName=role["RoleName"])["Tags"]
                held += [role["Arn"]] if upper in role_tags else []
        pages = self.secrets.get_paginator("list_secrets").paginate()
        held += [secret["ARN"] for page in pages for secret in page["SecretList"] if upper in secret.get("Tags", ())]
        groups = self.ec2.describe_security_groups(Filters=[{"Name": f"tag:{mark['key']}", "Values": [namespace]}])
        return held + [group["GroupId"] for group in groups["SecurityGroups"]]
