"""Whatever happens to a cluster, in whatever order, some things always hold."""

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from dask_ecs.plan import capacity_providers

from .world import World

EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("scale"), st.integers(0, 25)),
        st.tuples(st.just("lose_answer"), st.just(0)),
        st.tuples(st.just("lose_call"), st.just(0)),
        st.tuples(st.just("worker_dies"), st.integers(0, 24)),
        st.tuples(st.just("scheduler_dies"), st.just(0)),
        st.tuples(st.just("unreachable"), st.just(0)),
        st.tuples(st.just("reachable"), st.just(0)),
        st.tuples(st.just("wait"), st.integers(1, 200)),
        st.tuples(st.just("forget"), st.just(0)),
    ),
    max_size=12,
)

NAMED: dict[str, Any] = {"naming": {"start": 3, "step": 2}}
SPREAD: dict[str, Any] = {
    "capacityProviderStrategy": [
        {"capacityProvider": "FARGATE", "base": 2, "weight": 1},
        {"capacityProvider": "FARGATE_SPOT", "weight": 2},
    ]
}


@settings(max_examples=80)
@given(events=EVENTS, launch=st.sampled_from([{}, NAMED, SPREAD, NAMED | SPREAD]))
def test_whatever_happens_there_are_never_too_many_tasks_and_in_the_end_just_enough(
    events: list[tuple[str, int]], launch: dict[str, Any]
) -> None:
    world = World({"worker": {"replicas": 3, **launch}})
    for name, number in events:
        match name:
            case "scale":
                world.scale(number)
            case "worker_dies" if world.live["worker"]:
                world.stop(world.live["worker"][number % len(world.live["worker"])].arn)
            case "scheduler_dies" if world.live["scheduler"]:
                world.stop(world.live["scheduler"][0].arn)
            case "unreachable" | "reachable":
                world.reachable = name == "reachable"
            case "wait":
                world.pass_time(number)
            case "forget":  # the operator is started anew: it knows what the status says, and AWS
                world.answers.clear()
        most = max(world.target.cluster.spec.worker.replicas, len(world.live["worker"]))
        for _ in range(3):
            world.step(lose_answers=name == "lose_answer", lose_calls=name == "lose_call")
            assert len(world.live["scheduler"]) <= 1
            assert len(world.live["worker"]) <= most
            names = Counter(task.worker_name for task in world.tasks.values() if task.role == "worker" and task.is_live)
            assert not launch.get("naming") or max(names.values(), default=1) == 1
            world.pass_time(1)
    world.settle(most=1500)
    assert len(world.live["scheduler"]) == 1
    assert len(world.live["worker"]) == world.target.cluster.spec.worker.replicas
    spec = world.target.cluster.spec
    if strategy := capacity_providers.strategy(spec, "worker"):
        on = Counter(task.capacity_provider for task in world.live["worker"])
        assert on == Counter(capacity_providers.shares(strategy, spec.worker.replicas))
    assert not world.launches
    assert not world.plan().actions
    world.delete()
    world.settle()
    assert world.gone
    assert not any(world.live.values())
