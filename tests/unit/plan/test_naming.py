"""Workers with numbers for names."""

from dask_ecs.plan import actions

from .world import World, asked


def named(replicas: int, **naming: int) -> World:
    world = World({"worker": {"replicas": replicas, "naming": naming}})
    world.settle()
    return world


def names(world: World) -> list[str | None]:
    return sorted((task.worker_name for task in world.live["worker"]), key=lambda name: int(name or -1))


def test_each_worker_is_run_by_a_call_of_its_own_and_told_its_name() -> None:
    world = named(3, start=10, step=5)
    assert names(world) == ["10", "15", "20"]
    calls = [action.request for action in asked(world, actions.RunTasks) if action.launch.role == "worker"]
    assert [call["count"] for call in calls] == [1, 1, 1]
    commands = [call["overrides"]["containerOverrides"][0]["command"] for call in calls]
    assert [command[-2:] for command in commands] == [["--name", "10"], ["--name", "15"], ["--name", "20"]]


def test_a_worker_that_is_replaced_leaves_its_name_to_the_next() -> None:
    world = named(3)
    (second,) = (task for task in world.live["worker"] if task.worker_name == "1")
    world.stop(second.arn)
    world.settle()
    assert names(world) == ["0", "1", "2"]


def test_scaling_down_frees_names_and_scaling_up_takes_them() -> None:
    world = named(4)
    world.scale(2)
    world.settle()
    assert len(names(world)) == 2
    world.scale(4)
    world.settle()
    assert names(world) == ["0", "1", "2", "3"]


def test_a_name_is_given_again_when_its_task_has_ended_and_not_before() -> None:
    world = named(2)
    (first,) = (task for task in world.live["worker"] if task.worker_name == "0")
    world.do(actions.StopTask(ecs_cluster=first.arn, task_arn=first.arn, why="somebody did"))
    world.step()
    assert names(world) == ["1"]
    world.scale(3)
    world.step()
    assert names(world) == ["1", "2"]
    world.settle()
    assert names(world) == ["0", "1", "2"]


def test_a_launch_whose_answer_was_lost_is_sent_again_with_its_name() -> None:
    world = World({"worker": {"replicas": 2, "naming": {}}})
    while not world.live["worker"]:
        world.step(lose_answers=True)
        world.pass_time(1)
    assert {entry.worker_name for entry in world.launches} >= {"0", "1"}
    world.settle()
    assert names(world) == ["0", "1"]
    assert not world.launches
