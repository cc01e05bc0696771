"""A cluster's whole life, planned and done call by call, by a user who may do what one policy says."""

from __future__ import annotations

import datetime
import functools
import json
import uuid
from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3

from dask_ecs.api.daskcluster import DaskCluster
from dask_ecs.aws import tasks
from dask_ecs.aws.errors import AwsError
from dask_ecs.controllers import act
from dask_ecs.controllers.task_watcher import TaskWatchers
from dask_ecs.plan import access_denied, actions, cluster
from dask_ecs.plan.observed import Known, Observed, Task
from dask_ecs.plan.security_group import Asked
from dask_ecs.plan.settings import Settings
from dask_ecs.plan.target import Target

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    import pytest

    from dask_ecs.aws.session import Aws
    from dask_ecs.local.aws.handle import LocalAWS
    from dask_ecs.plan.action import Action

INSTALL = "policy"
ACCOUNT = "123456789012"

Policy = dict[str, Any]


def client(aws: LocalAWS, service: str) -> Any:
    keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    return boto3.client(service, endpoint_url=aws.url, region_name=aws.region, **keys)  # type: ignore[call-overload]


async def no_others() -> Asked:
    """Return what others ask of a security group that nobody shares."""
    return Asked()


class User:
    """An IAM user who has these policies and no others, and a key."""

    def __init__(self, aws: LocalAWS, policies: Sequence[Policy]) -> None:
        self._iam, self._name = client(aws, "iam"), f"operator-{uuid.uuid4().hex[:8]}"
        self._iam.create_user(UserName=self._name)
        for number, policy in enumerate(policies):
            name = f"{self._name}-{number}"
            arn = self._iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(policy))["Policy"]["Arn"]
            self._iam.attach_user_policy(UserName=self._name, PolicyArn=arn)
        key = self._iam.create_access_key(UserName=self._name)["AccessKey"]
        self.environment = {
            **aws.environment,
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        }

    def allow(self, action: str) -> None:
        """Let the user do one thing more, on whatever it is."""
        statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self._iam.put_user_policy(UserName=self._name, PolicyName=_policy_name(action), PolicyDocument=document)

    def forbid(self, action: str) -> None:
        """Take back what `allow` has allowed."""
        self._iam.delete_user_policy(UserName=self._name, PolicyName=_policy_name(action))


def _policy_name(action: str) -> str:
    return action.replace(":", "-")


@contextmanager
def user_of(aws: LocalAWS, policies: Sequence[Policy], monkeypatch: pytest.MonkeyPatch) -> Iterator[User]:
    """Call AWS as a new user who has these policies and no others."""
    user = User(aws, policies)
    with monkeypatch.context() as patch:
        for variable, value in user.environment.items():
            patch.setenv(variable, value)
        yield user


class Life:
    """One DaskCluster, planned and done by hand.

    What AWS refuses for want of a permission is raised. Of a `lenient` user it is noted in `lacked`, by the type of
    what was to be done, and allowed for as long as that takes.
    """

    def __init__(self, aws: Aws, spec: dict[str, Any], *, lenient: User | None = None, **settings: Any) -> None:
        self.lacked: defaultdict[str, set[str]] = defaultdict(set)
        self._lenient = lenient
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
        """Plan and do until this is so."""
        for _ in range(200):
            now = datetime.datetime.now(datetime.UTC)
            observed = Observed(known=Known(answers=self._answers), tasks=self._tasks, listed_at=now)
            plan = cluster.plan(self.target, observed, now=now)
            self.body["status"] = plan.status.model_dump(mode="json", exclude_none=True)
            if until(plan):
                return
            for action in plan.actions:
                await self._allowed(type(action).__name__, functools.partial(self._do, action))
            await self._allowed("Look", self._look)
        raise AssertionError(f"it does not come to rest: {[str(each) for each in plan.actions]}")

    async def _allowed(self, name: str, do: Callable[[], Awaitable[None]]) -> None:
        """Do something, with what it lacks if the user is a lenient one."""
        lacked: set[str] = set()
        while True:
            try:
                await do()
                break
            except AwsError as error:
                denial = access_denied.read(error.message) if error.reason == "AccessDenied" else None
                if denial is None or self._lenient is None or denial.action in lacked:
                    raise
                lacked.add(denial.action)
                self._lenient.allow(denial.action)
        for action in lacked:
            assert self._lenient
            self._lenient.forbid(action)
        self.lacked[name] |= lacked

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
                    others_ingress=no_others,
                    watchers=self._watchers,
                    now=datetime.datetime.now(datetime.UTC),
                )
        except AwsError as error:
            if error.code not in ("DependencyViolation", "ClusterContainsTasksException", "DeleteConflict"):
                raise

    async def _look(self) -> None:
        if not self._tasks:
            return
        arn = self.body["status"]["clusterArn"]
        try:
            arns = await tasks.list_arns(self._aws, ecs_cluster=arn, stopped=True)
        except AwsError as error:
            if error.code == "ClusterNotFoundException":
                return  # and its tasks are gone with it
            raise
        self._tasks = tuple((await tasks.describe(self._aws, ecs_cluster=arn, arns=arns))[0])

    async def end(self) -> None:
        self.body["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        await self.go_on(lambda plan: plan.gone)
        await self._watchers.close()


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
