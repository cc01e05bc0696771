"""Tasks that wait for an EC2 instance: the conditions say so, and what is in the way."""

import dataclasses
from typing import Any

import pytest

from .test_capacity import spec
from .world import World, condition


def until_scheduler(**changes: Any) -> World:
    world = World(spec(**changes))
    while not world.live["scheduler"]:
        world.step()
    world.step()
    return world


def test_a_scheduler_without_an_instance_is_said_to_wait_for_one() -> None:
    world = until_scheduler()
    (scheduler,) = world.live["scheduler"]
    status, reason, message = condition(world, "SchedulerReady")
    assert (status, reason) == ("False", "WaitingForInstances")
    assert f"capacity provider {scheduler.capacity_provider}" in message
    assert f"--auto-scaling-group-name {scheduler.capacity_provider}`" in message
    assert condition(world, "Ready")[1] == "WaitingForInstances"
    world.tasks[scheduler.arn] = dataclasses.replace(scheduler, container_instance="arn:instance/1")
    world.step()
    assert condition(world, "SchedulerReady")[1] == "TaskStarting"


@pytest.mark.parametrize("full", [True, False])
def test_workers_that_wait_are_told_whether_the_group_may_still_grow(full: bool) -> None:
    world = World(spec(worker={"replicas": 3}, maximum=2 if full else 3))
    world.settle()
    scheduler, (first, second, third) = world.live["scheduler"][0], world.live["worker"]
    places = {scheduler.arn: "one", first.arn: "one", second.arn: "two"}
    for arn, place in places.items():
        world.tasks[arn] = dataclasses.replace(world.tasks[arn], container_instance=place)
    world.tasks[third.arn] = dataclasses.replace(third, last_status="PROVISIONING", private_ip=None)
    world.step()
    status, reason, message = condition(world, "WorkersReady")
    assert (status, reason) == ("False", "WaitingForInstances")
    assert "2 of 3 workers have joined. 1 worker waits for an EC2 instance" in message
    assert ("as many instances as spec.capacity.maximum allows (2), and they are full" in message) is full
    assert ("Its Auto Scaling group grows" in message) is not full


def test_managed_instances_are_waited_for_too() -> None:
    world = until_scheduler(instanceTypes=[], managedInstances={})
    status, reason, message = condition(world, "SchedulerReady")
    assert (status, reason) == ("False", "WaitingForInstances")
    assert "ECS brings it" in message


def test_on_fargate_nothing_waits_for_an_instance() -> None:
    world = World({"worker": {"replicas": 1, "spot": True}})
    reasons = set()
    for _ in range(8):
        world.step()
        world.pass_time(1)
        reasons |= {condition(world, name)[1] for name in ("SchedulerReady", "WorkersReady")}
    assert "WaitingForInstances" not in reasons
    assert condition(world, "WorkersReady")[1] == "AllJoined"
