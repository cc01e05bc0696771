import re
from typing import Any

import pytest

from dask_ecs.api.daskcluster import DaskCluster, InvalidDaskClusterError
from dask_ecs.command_line import schema_check

from .conftest import User
from .refused_specs import CLUSTER, REFUSED, Refused, RefusedBy
from .refused_task_shapes import REFUSED_SHAPES

VPC = "vpc-0123456789abcdef0"
ELSEWHERE = "tcp://10.0.1.7:8786"
OTHER_VPC = "vpc-0fedcba9876543210"


@pytest.mark.parametrize("refused", REFUSED + REFUSED_SHAPES, ids=lambda refused: refused.because)
def test_the_api_server_refuses_it_and_says_what_to_do(refused_user: User, refused: Refused) -> None:
    said = refused_user.is_refused("refused", refused.spec)
    lines = re.sub(r"\[([a-z]\w*)\]", r".\1", said).splitlines()  # as the models write a map's key

    assert any(f"{refused.field}: " in line and refused.says in line for line in lines), lines
    assert not any("evaluation" in line for line in lines), "a rule broke instead of refusing"


@pytest.mark.parametrize("refused", REFUSED + REFUSED_SHAPES, ids=lambda refused: refused.because)
def test_the_model_refuses_what_an_older_crd_let_through(refused: Refused) -> None:
    body = {"metadata": {"name": "refused", "namespace": "default"}, "spec": refused.spec}
    if refused.by is RefusedBy.SERVER:
        # Such lists can not be stored: that their items are unique is in the CRD's list types from its first version.
        assert DaskCluster.read(body).metadata.name == "refused"
        assert [problem.split(": ", 1)[0] for problem in schema_check.problems(body)] == [refused.field]
        return

    with pytest.raises(InvalidDaskClusterError) as refusal:
        DaskCluster.read(body)

    (problem,) = {problem.split(": ", 1)[0]: problem for problem in refusal.value.problems}.values()
    assert problem.startswith(f"{refused.field}: ")
    if refused.by is RefusedBy.RULE:
        assert refused.says in problem


@pytest.mark.parametrize(
    ("field", "before", "after"),
    [
        ("isolation", {}, {"isolation": "cluster"}),
        ("launchType", {"launchType": "FARGATE", "clusterArn": CLUSTER}, {"launchType": "EC2", "clusterArn": CLUSTER}),
        ("worker.launchType", {"clusterArn": CLUSTER}, {"clusterArn": CLUSTER, "worker": {"launchType": "EC2"}}),
        ("scheduler.launchType", {"scheduler": {"launchType": "FARGATE"}}, {"scheduler": {}}),
        ("region", {"region": "eu-west-1"}, {"region": "eu-west-2"}),
        ("region", {}, {"region": "eu-west-1"}),
        ("region", {"region": "eu-west-1"}, {}),
        ("clusterArn", {"clusterArn": CLUSTER}, {"clusterArn": f"{CLUSTER}-2"}),
        ("clusterArn", {}, {"clusterArn": CLUSTER}),
        ("clusterArn", {"clusterArn": CLUSTER}, {}),
        ("network.vpcId", {"network": {"vpcId": VPC}}, {"network": {"vpcId": OTHER_VPC}}),
        ("network.vpcId", {}, {"network": {"vpcId": VPC}}),
        ("network.vpcId", {"network": {}}, {"network": {"vpcId": VPC}}),
        ("network.vpcId", {"network": {"vpcId": VPC}}, {"network": {}}),
        ("network.vpcId", {"network": {"vpcId": VPC}}, {}),
    ],
)
def test_an_immutable_field_is_neither_changed_nor_added_nor_removed(
    user: User, field: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    user.applies("fixed", before)

    message = user.is_refused("fixed", after)

    assert f"spec.{field}: Invalid value: " in message
    assert f"{field} can not be changed, added or removed: delete this DaskCluster, or make another one" in message


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"scheduler": {"address": ELSEWHERE}}),
        ({"scheduler": {"address": ELSEWHERE}}, {"scheduler": {"cpu": 1}}),
        ({"scheduler": {"address": ELSEWHERE}}, {}),
    ],
)
def test_an_own_scheduler_gives_no_way_to_one_elsewhere_nor_the_other_way_round(
    user: User, before: dict[str, Any], after: dict[str, Any]
) -> None:
    user.applies("fixed", before)

    message = user.is_refused("fixed", after)

    assert "spec.scheduler.address: Invalid value: " in message
    assert "scheduler.address can be changed, but not added or removed" in message


def test_one_scheduler_elsewhere_may_give_way_to_another(user: User) -> None:
    user.applies("changing", {"scheduler": {"address": ELSEWHERE}})

    user.applies("changing", {"scheduler": {"address": "tls://other.example.com:65535"}})

    assert user.reads("changing")["spec"]["scheduler"]["address"] == "tls://other.example.com:65535"


def test_an_immutable_field_is_not_changed_by_a_patch(user: User) -> None:
    user.applies("fixed", {"region": "eu-west-1"})

    message = user.is_told("patch", "dkc", "fixed", "--type=merge", "--patch", '{"spec": {"region": "us-east-1"}}')

    assert "region can not be changed, added or removed" in message


def test_immutable_fields_stay_when_the_whole_spec_is_removed(user: User) -> None:
    user.applies("fixed", {"region": "eu-west-1"})

    message = user.is_told("patch", "dkc", "fixed", "--type=json", "--patch", '[{"op": "remove", "path": "/spec"}]')

    assert "region can not be changed, added or removed" in message


def test_the_rest_of_the_spec_can_be_changed(user: User) -> None:
    user.applies("changing", {"region": "eu-west-1", "network": {"vpcId": VPC}})

    user.applies(
        "changing",
        {
            "region": "eu-west-1",
            "network": {"vpcId": VPC, "allowedCidrs": ["10.0.0.0/8"]},
            "image": "ghcr.io/dask/dask:latest",
            "worker": {"replicas": 2, "cpu": 2},
        },
    )

    assert user.reads("changing")["spec"]["worker"]["cpu"] == 2


def test_a_field_that_is_unknown_is_refused(user: User) -> None:
    message = user.is_refused("typo", {"worker": {"replica": 4}})

    assert 'unknown field "spec.worker.replica"' in message


def test_a_fraction_without_quotes_is_refused_by_its_type(user: User) -> None:
    # A structural schema has strings and integers in one field, but no fractions; `kubectl explain` says so.
    message = user.is_refused("fraction", {"worker": {"cpu": 0.5, "memory": "1Gi"}})

    assert "spec.worker.cpu in body must be of type integer,string" in message


def test_scaling_below_zero_is_refused(user: User) -> None:
    user.applies("scaled", {})

    message = user.is_told(
        "patch", "dkc", "scaled", "--subresource=scale", "--type=merge", "-p", '{"spec": {"replicas": -1}}'
    )

    assert "should be a non-negative integer" in message
