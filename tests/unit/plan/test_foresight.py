"""What would be done for a cluster, foreseen without asking anybody."""

import datetime
from typing import Any

import pytest

from dask_ecs.api.daskcluster import DaskCluster
from dask_ecs.aws.actions_calls import calls
from dask_ecs.plan import actions
from dask_ecs.plan.foresight import Foresight, foresee
from dask_ecs.plan.settings import Settings
from dask_ecs.plan.target import Target

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def foreseen(spec: dict[str, Any], **settings: Any) -> Foresight:
    body = {"metadata": {"name": "demo", "namespace": "team", "uid": "u", "generation": 1}, "spec": spec}
    target = Target(
        cluster=DaskCluster.read(body),
        settings=Settings(install="abc", default_region="eu-west-1", default_image="dask:1", **settings),
    )
    return foresee(target, account_id="123456789012", now=NOW)


def test_everything_is_foreseen_up_to_the_last_worker() -> None:
    found = foreseen({"worker": {"replicas": 23}, "tls": {"enabled": True}, "service": {"enabled": True}})
    launches = [each.launch for each in found.actions if isinstance(each, actions.RunTasks)]
    assert (launches[0].role, launches[0].count) == ("scheduler", 1)
    assert sum(launch.count for launch in launches if launch.role == "worker") == 23
    kinds = [type(each).__name__ for each in found.actions]
    assert kinds.index("EnsureRole") < kinds.index("RegisterTaskDefinition") < kinds.index("RunTasks")
    assert kinds.count("EnsureCertificate") == 1
    assert kinds.count("EnsureObject") == 2
    assert found.refusal == ""


def test_instances_are_foreseen_in_the_order_that_aws_asks_for() -> None:
    spec = {"launchType": "EC2", "capacity": {"instanceTypes": ["m6i.xlarge"], "maximum": 4}}
    found = foreseen({**spec, "worker": {"replicas": 2, "cpu": 2, "memory": "8Gi"}})
    kinds = [type(each).__name__ for each in found.actions]
    order = ["EnsureInstanceProfile", "EnsureLaunchTemplate", "EnsureAutoScalingGroup", "EnsureCapacityProvider"]
    places = [kinds.index(each) for each in (*order, "AssociateCapacityProviders", "RunTasks")]
    assert places == sorted(places)


@pytest.mark.parametrize(
    "spec",
    [
        {"worker": {"replicas": 1}},
        {"launchType": "EC2", "capacity": {"instanceTypes": ["m6i.xlarge"]}, "worker": {"cpu": 2, "memory": "8Gi"}},
        {"tls": {"enabled": True}, "worker": {"replicas": 1}},
    ],
    ids=["Fargate", "EC2", "TLS"],
)
def test_each_action_that_is_foreseen_has_its_calls(spec: dict[str, Any]) -> None:
    assert [each for each in foreseen(spec).actions if not calls(each)] == []


def test_what_is_given_is_not_made() -> None:
    found = foreseen(
        {
            "clusterArn": "arn:aws:ecs:eu-west-1:123456789012:cluster/research",
            "iam": {
                "executionRoleArn": "arn:aws:iam::123456789012:role/pull",
                "taskRoleArn": "arn:aws:iam::123456789012:role/work",
            },
            "network": {"securityGroups": ["sg-0123456789abcdef0"]},
        },
        allow_roles=("*",),
    )
    kinds = {type(each).__name__ for each in found.actions}
    assert not kinds & {"EnsureRole", "EnsureSecurityGroup", "EnsureEcsCluster"}
    assert {"UseEcsCluster", "RunTasks"} <= kinds


def test_what_the_operator_refuses_is_said() -> None:
    found = foreseen({"iam": {"taskRoleArn": "arn:aws:iam::123456789012:role/admin"}})
    assert "--allow-role" in found.refusal
    assert not any(isinstance(each, actions.RunTasks) for each in found.actions)
