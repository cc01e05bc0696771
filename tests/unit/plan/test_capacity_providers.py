"""Over which capacity providers workers are spread, in calls of ten and when some of them go."""

from collections import Counter

import pytest

from dask_ecs.api.task_launch import CapacityProviderStrategyItem
from dask_ecs.plan import actions, capacity_providers, quota

from .world import World, asked, running

# One on demand, and of the rest three of four on Spot.
MIX = [
    {"capacityProvider": "FARGATE", "base": 1, "weight": 1},
    {"capacityProvider": "FARGATE_SPOT", "weight": 3},
]


def mixed(replicas: int) -> World:
    world = World({"worker": {"replicas": replicas, "capacityProviderStrategy": MIX}})
    world.settle()
    return world


def on(world: World) -> Counter[str | None]:
    return Counter(task.capacity_provider for task in world.live["worker"])


@pytest.mark.parametrize(
    ("items", "tasks", "shares"),
    [
        ([("A", 0, 1), ("B", 0, 1)], 7, {"A": 4, "B": 3}),
        ([("A", 2, 0), ("B", 0, 1)], 1, {"A": 1, "B": 0}),
        ([("A", 2, 0), ("B", 0, 1)], 30, {"A": 2, "B": 28}),
        ([("A", 0, 1), ("B", 0, 4)], 10, {"A": 2, "B": 8}),
        ([("A", 0, 1), ("B", 0, 1), ("C", 0, 1)], 5, {"A": 2, "B": 2, "C": 1}),
        ([("A", 0, 0)], 3, {"A": 3}),
    ],
)
def test_the_base_is_filled_first_and_the_rest_goes_by_weight(
    items: list[tuple[str, int, int]], tasks: int, shares: dict[str, int]
) -> None:
    strategy = [
        CapacityProviderStrategyItem(capacity_provider=name, base=base, weight=weight) for name, base, weight in items
    ]
    assert capacity_providers.shares(strategy, tasks) == shares


def test_base_and_weight_hold_for_all_workers_not_for_each_call_of_ten() -> None:
    world = mixed(41)
    assert on(world) == {"FARGATE": 11, "FARGATE_SPOT": 30}
    calls = [action for action in asked(world, actions.RunTasks) if action.launch.role == "worker"]
    assert sorted(action.request["count"] for action in calls) == [1, 10, 10, 10, 10]
    assert all(len(action.request["capacityProviderStrategy"]) == 1 for action in calls)
    assert not any("launchType" in action.request for action in calls)
    assert {quota.capacity_of(action.request) for action in calls} == {"FARGATE", "FARGATE_SPOT"}


def test_a_worker_that_is_taken_back_is_replaced_on_the_same_provider() -> None:
    world = mixed(9)
    on_demand = next(task for task in world.live["worker"] if task.capacity_provider == "FARGATE")
    world.stop(on_demand.arn)
    world.settle()
    assert on(world) == {"FARGATE": 3, "FARGATE_SPOT": 6}


def test_scaling_keeps_the_shares() -> None:
    world = mixed(9)
    world.scale(5)
    world.settle()
    assert on(world) == {"FARGATE": 2, "FARGATE_SPOT": 3}
    world.scale(1)
    world.settle()
    assert on(world) == {"FARGATE": 1}
    world.scale(9)
    world.settle()
    assert on(world) == {"FARGATE": 3, "FARGATE_SPOT": 6}


def test_tasks_on_their_way_count_for_their_provider() -> None:
    world = World({"worker": {"replicas": 9, "capacityProviderStrategy": MIX}})
    while not world.live["worker"]:
        world.step(lose_answers=True)
        world.pass_time(1)
    world.settle()
    assert on(world) == {"FARGATE": 3, "FARGATE_SPOT": 6}


def test_spot_is_for_workers_and_the_scheduler_stays_on_demand() -> None:
    world = running(2, worker={"replicas": 2, "spot": True})
    assert on(world) == {"FARGATE_SPOT": 2}
    scheduler, workers = (action.request for action in asked(world, actions.RunTasks))
    assert scheduler["launchType"] == "FARGATE"
    assert workers["capacityProviderStrategy"] == [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]
    assert workers["platformVersion"] == "LATEST"
    (associated,) = asked(world, actions.AssociateCapacityProviders)
    assert associated.providers == ("FARGATE", "FARGATE_SPOT")


def test_no_provider_is_associated_where_none_is_used_or_the_cluster_is_given() -> None:
    assert not asked(running(1), actions.AssociateCapacityProviders)
    given = "arn:aws:ecs:eu-west-1:123456789012:cluster/given"
    world = running(1, clusterArn=given, worker={"replicas": 1, "spot": True})
    assert not asked(world, actions.AssociateCapacityProviders)


def test_workers_of_an_older_spec_go_first() -> None:
    world = running(4, updateStrategy={"type": "OnDelete"})
    world.edit(worker={"replicas": 2, "capacityProviderStrategy": MIX})
    world.settle()
    world.scale(4)
    world.settle()
    assert on(world)[None] == 2
    world.edit(worker={"replicas": 2, "capacityProviderStrategy": MIX})
    world.settle()
    assert on(world)[None] == 0
