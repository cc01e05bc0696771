"""A cluster's whole life, planned and done call by call, by a user who may do what one policy says."""

import datetime
import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest

from dask_ecs.api.daskcluster import DaskCluster
from dask_ecs.aws import iam_policy, tasks
from dask_ecs.aws.errors import AwsError
from dask_ecs.aws.iam_policy import Scope
from dask_ecs.aws.session import Aws, Sessions
from dask_ecs.command_line.iam_policy import for_clusters, without_making
from dask_ecs.controllers import act
from dask_ecs.controllers.task_watcher import TaskWatchers
from dask_ecs.local.aws.handle import LocalAWS
from dask_ecs.plan import actions, cluster
from dask_ecs.plan.action import Action
from dask_ecs.plan.observed import Known, Observed, Task
from dask_ecs.plan.settings import Settings
from dask_ecs.plan.target import Target

INSTALL = "policy"
ACCOUNT = "123456789012"
THEIRS = Path(__file__).parent / "dask_cloudprovider_policies"
READ_S3 = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"

Policy = dict[str, Any]


def client(aws: LocalAWS, service: str) -> Any:
    keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    return boto3.client(service, endpoint_url=aws.url, region_name=aws.region, **keys)  # type: ignore[call-overload]


@contextmanager
def user_of(aws: LocalAWS, policies: Sequence[Policy], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Call AWS as a new user who has these policies and no others."""
    iam, name = client(aws, "iam"), f"operator-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    for number, policy in enumerate(policies):
        arn = iam.create_policy(PolicyName=f"{name}-{number}", PolicyDocument=json.dumps(policy))["Policy"]["Arn"]
        iam.attach_user_policy(UserName=name, PolicyArn=arn)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    with monkeypatch.context() as patch:
        for variable, value in {
            **aws.environment,
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        }.items():
            patch.setenv(variable, value)
        yield


class Life:
    """One DaskCluster, planned and done by hand; what AWS refuses is noted, and the rest goes on."""

    def __init__(self, aws: Aws, spec: dict[str, Any], **settings: Any) -> None:
        self.refused: dict[str, str] = {}
        self.settings = Settings(
            install=INSTALL, default_region=aws.region, default_image="ghcr.io/dask/dask:1", **settings
        )
        identity = f"{uuid.uuid4()}"
        self.body: dict[str, Any] = {
            "metadata": {"name": "demo", "namespace": f"team-{identity[:8]}", "uid": identity, "generation": 1},
            "spec": spec,
        }
        self._aws = aws
        self._answers: dict[str, Any] = {}
        self._tasks: tuple[Task, ...] = ()
        self._watchers = TaskWatchers(install=INSTALL, wake=lambda _: None)

    @property
    def target(self) -> Target:
        return Target(cluster=DaskCluster.read(self.body), settings=self.settings)

    async def go_on(self, until: Callable[[cluster.Plan], bool]) -> None:
        """Plan and do until there is nothing to do that is allowed, or this is so."""
        for _ in range(200):
            now = datetime.datetime.now(datetime.UTC)
            observed = Observed(known=Known(answers=self._answers), tasks=self._tasks, listed_at=now)
            plan = cluster.plan(self.target, observed, now=now)
            self.body["status"] = plan.status.model_dump(mode="json", exclude_none=True)
            if until(plan):
                return
            todo = [action for action in plan.actions if str(action) not in self.refused]
            if self.refused and not todo:
                return
            for action in todo:
                await self._do(action)
            await self._look()
        raise AssertionError(f"it does not come to rest: {[str(each) for each in plan.actions]}")

    async def _do(self, action: Action[Any]) -> None:
        target = self.target
        try:
            if isinstance(action, actions.RunTasks):
                started, failures = await tasks.run(self._aws, action.request)
                assert not failures
                self._tasks = (*self._tasks, *started)
            elif isinstance(action, actions.TerminateScheduler):
                self._answers[action.fingerprint] = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
            else:
                self._answers[action.fingerprint] = await act.act(
                    self._aws,
                    action,
                    own_tags=target.own_tags,
                    others_ingress=tuple,
                    watchers=self._watchers,
                    now=datetime.datetime.now(datetime.UTC),
                )
        except AwsError as error:
            if error.reason == "AccessDenied":
                self.refused[str(action)] = error.operation
            elif error.code not in ("DependencyViolation", "ClusterContainsTasksException", "DeleteConflict"):
                raise

    async def _look(self) -> None:
        if not self._tasks or "list the tasks" in self.refused:
            return
        arn = self.body["status"]["clusterArn"]
        try:
            arns = await tasks.list_arns(self._aws, ecs_cluster=arn, stopped=True)
        except AwsError as error:
            if error.reason == "AccessDenied":
                self.refused["list the tasks"] = error.operation
            return  # else the ECS cluster is gone, and its tasks with it
        self._tasks = tuple((await tasks.describe(self._aws, ecs_cluster=arn, arns=arns))[0])

    async def end(self) -> None:
        self.body["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        await self.go_on(lambda plan: plan.gone)
        await self._watchers.close()


def assert_refused(life: Life, *operations: str) -> None:
    """Check that exactly these operations were refused, and show in full what was refused to what if not."""
    refused = set(life.refused.values())
    lacking, unforeseen = sorted(set(operations) - refused), sorted(refused - set(operations))
    assert not lacking, f"were not refused: {lacking}; refused: {life.refused}"
    assert not unforeseen, f"were refused as well: {unforeseen}; refused: {life.refused}"


def launched(workers: int) -> Callable[[cluster.Plan], bool]:
    return lambda plan: plan.status.workers.pending + plan.status.workers.running >= workers


def given_things(aws: LocalAWS) -> dict[str, Any]:
    """Make what a platform team gives, and return the spec that names it."""
    name = f"given-{uuid.uuid4().hex[:8]}"
    trusted = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [trusted]})
    role = client(aws, "iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    ec2 = client(aws, "ec2")
    vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    group = ec2.create_security_group(GroupName=name, Description="given", VpcId=vpc)["GroupId"]
    client(aws, "logs").create_log_group(logGroupName=name)
    return {
        "clusterArn": client(aws, "ecs").create_cluster(clusterName=name)["cluster"]["clusterArn"],
        "iam": {"executionRoleArn": role, "taskRoleArn": role},
        "network": {"securityGroups": [group]},
        "logs": {"group": name},
        "worker": {"replicas": 2},
    }


SCOPE = Scope(install=(INSTALL,), account=(ACCOUNT,), region=("eu-west-1",))


async def test_what_is_made_needs_no_more_than_the_policy(local_aws: LocalAWS, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = {
        "worker": {"replicas": 2},
        "iam": {"taskRolePolicies": [READ_S3]},
        "logs": {"group": f"made-{uuid.uuid4().hex[:8]}", "deletionPolicy": "Delete"},
        "tags": {"team": "research"},
    }
    scope = Scope(install=(INSTALL,), account=(ACCOUNT,), region=("eu-west-1",), allowed_policy=(READ_S3,))
    with user_of(local_aws, iam_policy.documents(scope), monkeypatch):
        async with Sessions() as sessions:
            life = Life(sessions.region("eu-west-1"), spec, allow_task_role_policies=(READ_S3,))
            await life.go_on(launched(workers=2))
            await life.end()
    assert_refused(life)


async def test_what_is_given_needs_no_more_than_the_small_policy(
    local_aws: LocalAWS, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = given_things(local_aws)
    cluster_ = DaskCluster.read({"metadata": {"name": "demo", "namespace": "team"}, "spec": spec})
    scope = without_making(for_clusters([cluster_], SCOPE))
    with user_of(local_aws, iam_policy.documents(scope), monkeypatch):
        async with Sessions() as sessions:
            life = Life(sessions.region("eu-west-1"), spec, allow_roles=("*",))
            await life.go_on(launched(workers=2))
            await life.end()
    assert_refused(life)


def theirs(name: str) -> Policy:
    """Return a policy of dask-cloudprovider's documentation."""
    policy: Policy = json.loads((THEIRS / f"{name}.json").read_text())
    return policy


async def test_dask_cloudproviders_policy_for_making_all_lets_the_operator_make_some(
    local_aws: LocalAWS, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ECS cluster and the log group are refused for their tags, the rest for what the operator looks at first."""
    with user_of(local_aws, [theirs("create-everything")], monkeypatch):
        async with Sessions() as sessions:
            # A log group of its own, for one that another test has made need not be made.
            spec = {"worker": {"replicas": 2}, "logs": {"group": f"theirs-{uuid.uuid4().hex[:8]}"}}
            life = Life(sessions.region("eu-west-1"), spec)
            await life.go_on(launched(workers=2))
            await life.end()
    assert_refused(
        life,
        "ec2:DescribeRouteTables",
        "ec2:DescribeSecurityGroups",
        "iam:GetRole",
        "ecs:CreateCluster",
        "logs:CreateLogGroup",
        "secretsmanager:CreateSecret",
        "secretsmanager:DescribeSecret",
    )


async def test_dask_cloudproviders_policy_for_given_things_does_not_let_the_operator_register_a_definition(
    local_aws: LocalAWS, monkeypatch: pytest.MonkeyPatch
) -> None:
    with user_of(local_aws, [theirs("all-resources-given")], monkeypatch):
        async with Sessions() as sessions:
            life = Life(sessions.region("eu-west-1"), given_things(local_aws), allow_roles=("*",))
            await life.go_on(launched(workers=2))
            await life.end()
    assert_refused(
        life,
        "ec2:DescribeRouteTables",
        "ecs:RegisterTaskDefinition",
        "secretsmanager:CreateSecret",
        "secretsmanager:DescribeSecret",
    )
