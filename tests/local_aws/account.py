"""An account in the local AWS, as the fidelity tests use it."""

from __future__ import annotations

import json
import time
import uuid
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_logs import CloudWatchLogsClient

    from dask_ecs.local.aws.handle import LocalAWS

T = TypeVar("T")

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


class Account:
    """Clients for one local AWS, and what nearly every test needs of it."""

    def __init__(self, aws: LocalAWS, *, access_key: str = "test") -> None:
        self.aws = aws
        self._access_key = access_key

    def client(self, service: str, **config: Any) -> Any:
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.aws.url,
            region_name=self.aws.region,
            aws_access_key_id=self._access_key,
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, **config),
        )

    @cached_property
    def ecs(self) -> ECSClient:
        return self.client("ecs")  # type: ignore[no-any-return]

    @cached_property
    def ec2(self) -> EC2Client:
        return self.client("ec2")  # type: ignore[no-any-return]

    @cached_property
    def iam(self) -> IAMClient:
        return self.client("iam")  # type: ignore[no-any-return]

    @cached_property
    def logs(self) -> CloudWatchLogsClient:
        return self.client("logs")  # type: ignore[no-any-return]

    def user(self, *statements: dict[str, Any]) -> Account:
        """Return the account as a new user sees it who has a policy of these statements."""
        name = unique("user")
        self.iam.create_user(UserName=name)
        policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        self.iam.put_user_policy(UserName=name, PolicyName="policy", PolicyDocument=policy)
        key = self.iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]
        return Account(self.aws, access_key=key)

    @cached_property
    def public_subnets(self) -> list[str]:
        subnets = self.ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
        return [subnet["SubnetId"] for subnet in subnets]

    @cached_property
    def vpc(self) -> str:
        return self.ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]

    def cluster(self, **parameters: Any) -> str:
        """Create an ECS cluster of the test's own."""
        name = unique("cluster")
        self.ecs.create_cluster(clusterName=name, **parameters)
        return name

    def role(self, trust: dict[str, Any] = TRUST) -> str:
        """Create a role and return its ARN."""
        return self.iam.create_role(RoleName=unique("role"), AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]

    def definition(self, shell: str | None = "sleep 60", *, fargate: bool = True, **container: Any) -> str:
        """Register a task definition with one container that runs a shell command; return its ARN."""
        task = container.pop("task", {})
        if shell is not None:
            container.setdefault("command", ["sh", "-c", shell])
        task.setdefault("containerDefinitions", [{"name": "main", "image": "busybox", **container}])
        if fargate:
            task = {"requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512", **task}
        task = {"family": unique("family"), "networkMode": "awsvpc", **task}
        return self.ecs.register_task_definition(**task)["taskDefinition"]["taskDefinitionArn"]

    def network(self, **configuration: Any) -> dict[str, Any]:
        return {"awsvpcConfiguration": {"subnets": self.public_subnets, "assignPublicIp": "ENABLED", **configuration}}

    def request(self, cluster: str, definition: str, **parameters: Any) -> dict[str, Any]:
        """Return parameters for RunTask on Fargate."""
        return {
            "cluster": cluster,
            "taskDefinition": definition,
            "launchType": "FARGATE",
            "networkConfiguration": self.network(),
            **parameters,
        }

    def run(self, cluster: str, definition: str, **parameters: Any) -> str:
        """Run one task and return its ARN."""
        answer = self.ecs.run_task(**self.request(cluster, definition, **parameters))
        assert not answer["failures"]
        return answer["tasks"][0]["taskArn"]

    def describe(self, cluster: str, arn: str, **parameters: Any) -> dict[str, Any]:
        tasks = self.ecs.describe_tasks(cluster=cluster, tasks=[arn], **parameters)["tasks"]
        return dict(tasks[0])

    def until(self, cluster: str, arn: str, *statuses: str, within: float = 15) -> dict[str, Any]:
        """Wait until the task has one of the statuses."""
        return self.wait(
            lambda: task if (task := self.describe(cluster, arn))["lastStatus"] in statuses else None,
            within=within,
            what=lambda: f"{statuses} of {self.describe(cluster, arn)}",
        )

    def wait(self, ready: Callable[[], T | None], *, within: float = 15, what: Callable[[], str] = str) -> T:
        """Wait until `ready` returns something true."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            if found := ready():
                return found
            time.sleep(0.05)
        raise AssertionError(f"waited {within} s in vain for {what()}")


def address(task: dict[str, Any]) -> str:
    """Return the task's address, as its ENI attachment has it."""
    details = {each["name"]: each["value"] for each in task["attachments"][0]["details"]}
    return str(details["privateIPv4Address"])
