"""What an operator that has just started says before it has looked at the tasks."""

import dataclasses
import functools

from dask_ecs.api.conditions import find_condition
from dask_ecs.api.status import DaskClusterStatus
from dask_ecs.plan import cluster, recall
from dask_ecs.plan.observed import Hold, Known, Observed

from .world import World


def said_by_a_new_operator(world: World, *holds: Hold) -> DaskClusterStatus:
    observed = Observed(holds={hold.subject: hold for hold in holds})
    return cluster.plan(world.target, observed, now=world.now).status


def denied(world: World) -> Hold:
    return Hold(
        subject="tasks",
        reason="AccessDenied",
        message="The tasks can not be listed.",
        attempts=1,
        retry_at=world.now,
        generation=world.target.cluster.metadata.generation,
        waits_for_user=True,
    )


def test_what_was_said_stands() -> None:
    world = World()
    world.settle()
    assert said_by_a_new_operator(world) == world.target.cluster.status


def test_what_was_there_is_not_said_to_be_missing_while_it_is_looked_at_anew() -> None:
    world = World()
    world.settle()
    observed = dataclasses.replace(world.observe(), known=Known())
    said = cluster.plan(world.target, observed, now=world.now).status
    assert {"Ready", "NetworkReady", "RolesReady"} <= {
        found.type for found in said.conditions if found.status == "True"
    }
    assert said.phase == "Running"
    workers = find_condition(said.conditions, "WorkersReady")
    assert workers is not None
    assert workers.reason == "AllJoined"


def test_an_edit_is_not_said_to_be_observed() -> None:
    world = World({"worker": {"replicas": 1}})
    world.settle()
    world.edit(worker={"replicas": 2})
    said = said_by_a_new_operator(world)
    assert said.observed_generation == world.target.cluster.metadata.generation - 1


def test_what_keeps_it_from_looking_is_said_and_the_address_stays() -> None:
    world = World()
    world.settle()
    said = said_by_a_new_operator(world, denied(world))
    ready = find_condition(said.conditions, "Ready")
    stalled = find_condition(said.conditions, "Stalled")
    assert ready is not None
    assert stalled is not None
    assert (ready.status, ready.reason, stalled.status) == ("False", "AccessDenied", "True")
    assert said.phase == "Degraded"
    assert said.scheduler_address == world.target.cluster.status.scheduler_address
    assert said.scheduler_address is not None


def test_what_was_said_stands_until_the_scheduler_was_asked_who_has_joined() -> None:
    world = World()
    world.settle()
    observed = dataclasses.replace(world.observe(), probe=None)
    assert cluster.plan(world.target, observed, now=world.now).status == world.target.cluster.status


def test_no_worker_is_chosen_to_go_before_the_scheduler_was_asked() -> None:
    world = World()
    world.settle()
    world.scale(1)
    observed = dataclasses.replace(world.observe(), probe=None)
    assert cluster.plan(world.target, observed, now=world.now).actions == ()
    assert cluster.plan(world.target, world.observe(), now=world.now).actions != ()


def test_nothing_is_planned_before_the_tasks_and_who_has_joined_are_seen_again() -> None:
    world = World()
    world.settle()
    seen = world.observe()
    assert cluster.awaits_first_look(world.target, dataclasses.replace(seen, tasks=None, probe=None))
    assert cluster.awaits_first_look(world.target, dataclasses.replace(seen, probe=None))
    assert not cluster.awaits_first_look(world.target, seen)


def test_an_edit_a_deletion_or_trouble_waits_for_no_first_look() -> None:
    world = World()
    assert not cluster.awaits_first_look(world.target, Observed())
    world.settle()
    trouble = Observed(holds={"tasks": denied(world)})
    assert not cluster.awaits_first_look(world.target, trouble)
    (scheduler,) = [task for task in world.observe().tasks or () if task.role == "scheduler"]
    moved = dataclasses.replace(scheduler, private_ip="10.0.9.9")
    assert not cluster.awaits_first_look(world.target, Observed(tasks=(moved,)))
    world.scale(3)
    assert not cluster.awaits_first_look(world.target, Observed())
    world = World()
    world.settle()
    world.delete()
    assert not cluster.awaits_first_look(world.target, Observed())


def test_a_certificate_is_read_before_its_scheduler_is_asked() -> None:
    world = World({"tls": {"enabled": True}})
    world.settle()
    recalled = functools.partial(recall.recall, world.target.cluster.status)
    anew = dataclasses.replace(world.observe(), known=Known(recall=recalled), probe=None)
    assert not cluster.awaits_first_look(world.target, anew)
    planned = cluster.plan(world.target, anew, now=world.now)
    (action,) = [action for action in planned.actions if action.subject == "certificate"]
    known = Known(answers={action.fingerprint: world.answers[action.fingerprint]}, recall=recalled)
    assert cluster.awaits_first_look(world.target, dataclasses.replace(anew, known=known))
