"""Where scheduler and workers go when each has a network of its own."""

from typing import Any

import pytest

from dask_ecs.plan import actions
from dask_ecs.plan.security_group import Rule

from .world import World, asked, running

SCHEDULERS, WORKERS = "subnet-0000000000000000a", "subnet-0000000000000000b"
GROUP, OTHER_GROUP = "sg-0000000000000000a", "sg-0000000000000000b"
GIVEN = "arn:aws:ecs:eu-west-1:123456789012:cluster/given"


def awsvpc(world: World) -> dict[str, dict[str, Any]]:
    return {
        action.launch.role: action.request["networkConfiguration"]["awsvpcConfiguration"]
        for action in asked(world, actions.RunTasks)
    }


def test_both_roles_go_where_nothing_tells_them_apart_and_that_is_found_once() -> None:
    world = running(1)
    assert len(asked(world, actions.ResolveNetwork)) == 1
    assert awsvpc(world)["scheduler"] == awsvpc(world)["worker"]
    assert "worker" not in world.body["status"]["network"]


def test_each_role_goes_to_its_own_subnets_of_one_vpc() -> None:
    world = running(1, scheduler={"subnets": [SCHEDULERS]}, worker={"replicas": 1, "subnets": [WORKERS]})
    assert awsvpc(world)["scheduler"]["subnets"] == [SCHEDULERS]
    assert awsvpc(world)["worker"]["subnets"] == [WORKERS]
    first, second = asked(world, actions.ResolveNetwork)
    assert (first.vpc_id, second.vpc_id) == (None, "vpc-1")
    assert (first.field, second.field) == ("spec.scheduler.subnets", "spec.worker.subnets")
    assert world.body["status"]["network"]["subnets"] == [SCHEDULERS]
    assert world.body["status"]["network"]["worker"]["subnets"] == [WORKERS]


def test_a_role_on_ec2_gets_no_public_address_beside_one_on_fargate_that_does() -> None:
    world = running(1, clusterArn=GIVEN, worker={"replicas": 1, "launchType": "EC2"})
    assert awsvpc(world)["scheduler"]["assignPublicIp"] == "ENABLED"
    assert "assignPublicIp" not in awsvpc(world)["worker"]


def test_what_each_role_came_to_stays_when_the_operator_restarts() -> None:
    world = running(1, clusterArn=GIVEN, worker={"replicas": 1, "launchType": "EC2"})
    before = world.body["status"]["network"]
    assert "worker" in before
    world.answers.clear()
    world.done.clear()
    world.settle()
    assert all(action.frozen for action in asked(world, actions.ResolveNetwork))
    assert world.body["status"]["network"] == before


def test_a_role_without_groups_of_its_own_is_in_the_one_that_is_made() -> None:
    world = running(1, worker={"replicas": 1, "securityGroups": [GROUP]})
    assert awsvpc(world)["scheduler"]["securityGroups"] == ["sg-1"]
    assert awsvpc(world)["worker"]["securityGroups"] == [GROUP]


@pytest.mark.parametrize("role", ["scheduler", "worker"])
def test_the_group_that_is_made_lets_in_the_groups_of_the_other_role(role: str) -> None:
    roles: dict[str, dict[str, Any]] = {"scheduler": {}, "worker": {"replicas": 1}}
    roles[role]["securityGroups"] = [GROUP]
    world = running(1, **roles)
    (group,) = {action.rules for action in asked(world, actions.EnsureSecurityGroup)}
    assert Rule(from_port=0, to_port=65535, group=GROUP) in group
    assert Rule(from_port=0, to_port=65535) in group, "its own members"


def test_no_group_is_made_where_each_role_has_its_own() -> None:
    groups = {"scheduler": {"securityGroups": [OTHER_GROUP]}, "worker": {"replicas": 1, "securityGroups": [GROUP]}}
    world = running(1, **groups)
    assert awsvpc(world)["scheduler"]["securityGroups"] == [OTHER_GROUP]
    assert not asked(world, actions.EnsureSecurityGroup)
    assert not any(thing.startswith("security-group/") for thing in world.body["status"]["made"])
