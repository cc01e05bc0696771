"""Workers on instances that are to be emptied leave, and others take their place at once."""

from dask_ecs.plan import actions

from .world import World, asked, condition, running


def drain(world: World, *arns: str) -> None:
    for arn in arns:
        world._update(arn, is_draining=True)


def test_a_worker_on_a_draining_instance_is_retired_and_its_successor_asked_for_at_once() -> None:
    world = running(replicas=3)
    leaving, *others = world.live["worker"]
    drain(world, leaving.arn)
    plan = world.plan()
    (retire,) = (action for action in plan.actions if isinstance(action, actions.RetireWorkers))
    (run,) = (action for action in plan.actions if isinstance(action, actions.RunTasks))
    assert list(retire.tasks.values()) == [leaving.arn]
    assert run.launch.count == 1
    world.settle()
    assert len(world.live["worker"]) == 3
    assert {task.arn for task in others} < {task.arn for task in world.live["worker"]}
    assert {action.why for action in asked(world, actions.RetireWorkers)} == {"its instance is being drained"}


def test_the_last_worker_waits_for_another_to_take_what_it_holds() -> None:
    world = running(replicas=1)
    (last,) = world.live["worker"]
    drain(world, last.arn)
    world.step()
    assert last.arn in {task.arn for task in world.live["worker"]}
    assert len(world.live["worker"]) == 2
    world.settle()
    assert len(world.live["worker"]) == 1
    assert last.arn not in {task.arn for task in world.live["worker"]}


def test_a_worker_that_has_not_joined_is_stopped_at_once() -> None:
    world = running(replicas=1)
    world.scale(2)
    world.step()
    (starting,) = (task for task in world.live["worker"] if not task.is_running)
    drain(world, starting.arn)
    world.step()
    assert starting.arn in {action.task_arn for action in asked(world, actions.StopTask)}
    world.settle()
    assert len(world.live["worker"]) == 2


def test_where_no_worker_is_wanted_a_draining_one_goes_as_the_others_do() -> None:
    world = running(replicas=2)
    drain(world, world.live["worker"][0].arn)
    world.scale(0)
    world.settle()
    assert not world.live["worker"]


def test_a_scheduler_on_a_draining_instance_stays() -> None:
    world = running(replicas=1)
    (scheduler,) = world.live["scheduler"]
    drain(world, scheduler.arn)
    world.settle()
    assert [task.arn for task in world.live["scheduler"]] == [scheduler.arn]
    status, reason, message = condition(world, "SchedulerReady")
    assert (status, reason) == ("True", "InstanceDraining")
    assert f"task {scheduler.id}" in message
    assert condition(world, "Ready")[:2] == ("True", "Running")
