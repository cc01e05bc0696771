"""The end of a cluster: its tasks first, then what they used."""

import dataclasses

from dask_ecs.plan import actions, capacity_actions
from dask_ecs.plan import made as made_things

from .world import SETTINGS, World, asked, condition, running


def test_deletion_lets_dask_end_its_tasks_then_takes_all_that_was_made() -> None:
    world = running()
    world.done.clear()
    world.delete()
    world.settle()
    assert world.gone
    assert asked(world, actions.TerminateScheduler)
    assert not asked(world, actions.StopTask)
    kinds = [type(action) for action in world.done]
    assert kinds.index(actions.TerminateScheduler) < kinds.index(actions.DeleteSecurityGroup)
    assert {
        actions.DeregisterTaskDefinition,
        actions.DeleteRole,
        actions.DeleteSecurityGroup,
        actions.DeleteEcsCluster,
    } <= set(kinds)
    assert {str(made) for made in made_things.wanted(world.target)} == {
        action.thing for action in world.done if action.thing
    }


def test_definitions_of_one_revision_are_deregistered_without_a_list_of_others() -> None:
    world = running()
    known = world.target.cluster.status.task_definitions
    world.delete()
    world.settle()
    gone = asked(world, actions.DeregisterTaskDefinition)
    assert {action.first for action in gone} == {known.scheduler, known.worker}


def test_what_dask_does_not_end_in_time_is_stopped_the_scheduler_first() -> None:
    world = running()
    world.ends_when_told = False
    world.delete()
    world.step()
    world.pass_time(5)
    world.step()
    assert not asked(world, actions.StopTask)
    world.settle()
    stops = asked(world, actions.StopTask)
    assert len(stops) == 3
    assert world.tasks[stops[0].task_arn].role == "scheduler"
    assert world.gone


def test_workers_whose_scheduler_has_ended_as_it_was_told_have_their_time_too() -> None:
    world = running()
    world.ends_when_told = False
    world.delete()
    world.step()
    world.step()
    (scheduler,) = world.live["scheduler"]
    world.stop(scheduler.arn, exit_code=0)
    world.pass_time(5)
    world.step()
    assert not asked(world, actions.StopTask)
    world.settle()
    assert len(asked(world, actions.StopTask)) == 2


def test_a_scheduler_that_was_told_to_end_forgets_its_workers_before_they_have_ended() -> None:
    world = running()
    world.ends_when_told = False
    world.delete()
    while not asked(world, actions.TerminateScheduler):
        world.step()
    world.forgotten_by_scheduler |= {worker.arn for worker in world.live["worker"]}
    world.pass_time(1)
    world.step()
    assert not asked(world, actions.StopTask)


def test_workers_that_have_not_joined_are_stopped_at_once_when_all_ends() -> None:
    world = running(replicas=1)
    world.scale(3)
    world.step()
    starting = {task.arn for task in world.live["worker"] if not task.is_running}
    world.delete()
    world.step()
    world.step()
    assert {stop.task_arn for stop in asked(world, actions.StopTask)} == starting


def test_what_others_use_too_stays_and_loses_only_this_clusters_rules() -> None:
    world = running()
    world.done.clear()
    world.in_use = frozenset(world.body["status"]["made"])
    world.delete()
    world.settle()
    assert world.gone
    kinds = {type(action).__name__ for action in world.done}
    assert kinds == {"FindEcsCluster", "TerminateScheduler", "ReviseSecurityGroup"}


def test_deletion_leaves_what_the_user_gave_unseen() -> None:
    settings_ = type(SETTINGS)(**{**vars(SETTINGS), "allow_roles": ("*",)})
    role = "arn:aws:iam::123456789012:role/given"
    spec = {
        "clusterArn": "arn:aws:ecs:eu-west-1:123456789012:cluster/given",
        "iam": {"executionRoleArn": role, "taskRoleArn": role},
        "network": {"securityGroups": ["sg-0123456789abcdef0"], "subnets": ["subnet-0123456789abcdef0"]},
        "tls": {"enabled": False},
    }
    world = World(spec, settings=settings_)
    world.settle()
    world.done.clear()
    world.delete()
    world.settle()
    kinds = {type(action).__name__ for action in world.done}
    assert kinds == {"FindEcsCluster", "TerminateScheduler", "DeregisterTaskDefinition"}


def test_deletion_waits_for_a_launch_of_unknown_outcome() -> None:
    world = running(replicas=0)
    world.scale(3)
    world.step(lose_answers=True)
    hidden = {task.arn: task for task in world.live["worker"]}
    assert len(hidden) == 3
    for arn in hidden:
        del world.tasks[arn]
    world.delete()
    for _ in range(20):
        world.step()
        world.pass_time(1)
    assert not world.gone
    world.tasks |= hidden
    world.settle()
    assert world.gone
    assert all(task.is_stopped for task in world.tasks.values())


def test_where_nothing_was_made_the_object_goes_without_a_call() -> None:
    world = World({"region": "eu-wst-1"})
    world.body["status"] = world.plan().status.model_dump(mode="json", exclude_none=True)
    world.delete()
    assert world.plan().gone
    assert world.plan().actions == ()


def on_instances(**spec: object) -> World:
    """Return a cluster on EC2 whose tasks know their instances, one of whose agents is gone."""
    worker, scheduler = {"replicas": 1, "cpu": 2, "memory": "4Gi"}, {"cpu": 1, "memory": "2Gi"}
    settings_ = dataclasses.replace(SETTINGS, allow_ecs_clusters=("*",))
    world = World({"launchType": "EC2", "worker": worker, "scheduler": scheduler, **spec}, settings=settings_)
    world.settle()
    (worker_task,) = world.live["worker"]
    instance = "arn:aws:ecs:eu-west-1:123456789012:container-instance/made/i-gone"
    world.tasks[worker_task.arn] = dataclasses.replace(worker_task, container_instance=instance)
    world.unstoppable = {worker_task.arn}
    world.ends_when_told = False
    world.done.clear()
    return world


def pass_minutes(world: World, minutes: int) -> None:
    for _ in range(minutes):
        world.step()
        world.pass_time(60)


def test_a_task_that_does_not_stop_does_not_keep_its_paid_machine_from_being_deleted() -> None:
    world = on_instances(capacity={"instanceTypes": ["m6i.xlarge"], "maximum": 2})
    world.delete()
    pass_minutes(world, 9)
    assert not asked(world, capacity_actions.DeleteAutoScalingGroup)
    assert world.plan().wake_at, "it is looked at when its time is over"
    pass_minutes(world, 10)
    kinds = [type(action) for action in world.done]
    assert kinds.index(capacity_actions.DeleteAutoScalingGroup) < kinds.index(actions.DeleteEcsCluster)
    assert world.gone


def test_a_task_that_does_not_stop_on_somebody_else_s_machine_is_told_with_what_to_do() -> None:
    world = on_instances(clusterArn="arn:aws:ecs:eu-west-1:123456789012:cluster/given")
    world.delete()
    pass_minutes(world, 9)
    assert condition(world, "Stalled")[0] == "False"
    pass_minutes(world, 4)
    assert not world.gone
    status, reason, message = condition(world, "Stalled")
    (task,) = world.unstoppable
    assert (status, reason) == ("True", "TaskDoesNotStop")
    assert f"Task {world.tasks[task].id} on container instance i-gone" in message
    assert message in condition(world, "Ready")[2]
    world.stop(task)
    world.settle()
    assert world.gone


def test_a_rest_that_a_task_holds_up_which_does_not_stop_says_so() -> None:
    world = on_instances(capacity={"instanceTypes": ["m6i.xlarge"], "maximum": 2})
    world.edit(suspend=True)
    pass_minutes(world, 14)
    assert condition(world, "Stalled")[:2] == ("True", "TaskDoesNotStop")
    (task,) = world.unstoppable
    world.stop(task)
    world.settle()
    assert condition(world, "Suspended")[0] == "True"
    assert condition(world, "Stalled")[0] == "False"
