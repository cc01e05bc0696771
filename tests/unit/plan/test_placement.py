"""Tasks that wait for an EC2 instance: the conditions say so, and what is in the way."""

import dataclasses
from typing import Any

import pytest

from dask_ecs.plan import actions, capacity_actions, cluster
from dask_ecs.plan.capacity_actions import PROVIDER_IN_USE
from dask_ecs.plan.observed import Hold

from .test_capacity import settled, spec
from .world import World, asked, condition


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


def test_tasks_that_wait_for_a_group_that_is_no_more_make_way_for_another() -> None:
    world = until_scheduler()
    (scheduler,) = world.live["scheduler"]
    hold = Hold(
        subject="capacity",
        reason=PROVIDER_IN_USE,
        message="",
        attempts=1,
        retry_at=world.now,
        generation=1,
        transient=True,
    )
    stopped = []
    for held in (hold, dataclasses.replace(hold, reason="Throttling")):
        observed = dataclasses.replace(world.observe(), holds={"capacity": held})
        planned = cluster.plan(world.target, observed, now=world.now).actions
        stopped.append([action.task_arn for action in planned if isinstance(action, actions.StopTask)])
    assert stopped == [[scheduler.arn], []]


def test_the_cluster_learns_of_a_capacity_provider_that_was_made_anew() -> None:
    world = settled()
    (before,) = asked(world, actions.AssociateCapacityProviders)
    for action in asked(world, capacity_actions.EnsureAutoScalingGroup):
        world.answers[action.fingerprint] = "arn:of:another"
    world.done.clear()
    world.settle()
    (provider,) = asked(world, capacity_actions.EnsureCapacityProvider)
    (after,) = asked(world, actions.AssociateCapacityProviders)
    assert provider.group_arn == "arn:of:another"
    assert (before.providers, after.groups) == (after.providers, ("arn:of:another",))
