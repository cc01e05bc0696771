"""A cluster's whole life under exactly the policy that `dask-ecs iam-policy` prints, call by call."""

import uuid

import pytest

from dask_ecs.api.daskcluster import DaskCluster
from dask_ecs.aws import iam_policy
from dask_ecs.aws.iam_policy import Scope
from dask_ecs.aws.session import Sessions
from dask_ecs.command_line.iam_policy import for_clusters, without_making
from dask_ecs.local.aws.handle import LocalAWS

from .planned_life import ACCOUNT, INSTALL, Life, given_things, launched, user_of

READ_S3 = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"

SCOPE = Scope(install=(INSTALL,), account=(ACCOUNT,), region=("eu-west-1",))


# What is refused is raised, and so fails the test.


async def test_what_is_made_needs_no_more_than_the_policy(local_aws: LocalAWS, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = {
        "worker": {"replicas": 2},
        "iam": {"taskRolePolicies": [READ_S3]},
        "logs": {"group": f"made-{uuid.uuid4().hex[:8]}", "deletionPolicy": "Delete"},
        "tags": {"team": "research"},
        "tls": {"enabled": True},
    }
    scope = Scope(install=(INSTALL,), account=(ACCOUNT,), region=("eu-west-1",), allowed_policy=(READ_S3,))
    with user_of(local_aws, iam_policy.documents(scope), monkeypatch):
        async with Sessions() as sessions:
            life = Life(sessions.region("eu-west-1"), spec, allow_task_role_policies=(READ_S3,))
            await life.go_on(launched(workers=2))
            await life.end()


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
