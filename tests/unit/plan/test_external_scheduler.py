"""Workers for a scheduler that runs elsewhere: nothing is done to it."""

import dataclasses

from dask_ecs.plan import actions, admission, security_group

from .world import SETTINGS, World, asked, condition, running

ADDRESS = "tcp://10.9.0.7:8786"
OTHER = "tcp://10.9.0.8:8786"


def joined(replicas: int = 2, *, address: str = ADDRESS) -> World:
    return running(replicas, scheduler={"address": address})


def test_only_workers_are_run_and_they_are_told_whose_they_are() -> None:
    world = joined()
    assert not world.live["scheduler"]
    assert {task.scheduler_address for task in world.live["worker"]} == {ADDRESS}
    (call,) = asked(world, actions.RunTasks)
    assert ADDRESS in call.request["overrides"]["containerOverrides"][0]["command"]
    status = world.target.cluster.status
    assert (status.phase, status.scheduler_address) == ("Running", ADDRESS)
    assert status.scheduler_task_arn is None
    assert status.dashboard_link is None
    assert condition(world, "SchedulerReady")[:2] == ("True", "ExternalScheduler")
    assert condition(world, "Ready")[0] == "True"


def test_nothing_of_a_scheduler_is_made() -> None:
    world = joined()
    (definition,) = asked(world, actions.RegisterTaskDefinition)
    assert definition.subject == "workerDefinition"
    assert world.target.cluster.status.task_definitions.scheduler is None
    assert len([thing for thing in world.body["status"]["made"] if thing.startswith("task-definition/")]) == 1


def test_the_scheduler_may_call_its_workers_back() -> None:
    world = joined()
    (group,) = asked(world, actions.EnsureSecurityGroup)
    assert group.name.startswith("dask-abc-team-workers-"), "no other namespace's group is called so"
    assert group.rules == security_group.rules_for_workers(cidrs=["10.0.0.0/16"])


def test_a_worker_that_dies_is_replaced_and_scaling_down_asks_the_scheduler() -> None:
    world = joined(3)
    world.stop(world.live["worker"][0].arn)
    world.settle()
    assert len(world.live["worker"]) == 3
    world.scale(1)
    world.settle()
    assert len(world.live["worker"]) == 1
    (retire,) = asked(world, actions.RetireWorkers)
    assert (retire.scheduler_address, retire.count) == (ADDRESS, 2)


def test_a_scheduler_that_does_not_answer_is_no_reason_to_stop_or_run_anything() -> None:
    world = joined()
    world.done.clear()
    world.reachable = False
    world.step()
    assert world.done == []
    assert world.target.cluster.status.phase == "Degraded"
    status, reason, message = condition(world, "SchedulerReady")
    assert (status, reason) == ("False", "ExternalSchedulerUnreachable")
    assert ADDRESS in message
    assert condition(world, "Ready")[:2] == ("False", "ExternalSchedulerUnreachable")
    world.reachable = True
    world.settle()
    assert world.done == []


def test_of_a_scheduler_of_another_ca_running_workers_count() -> None:
    world = joined(address="tls://scheduler.example.com:8786")
    assert condition(world, "SchedulerReady")[0] == "True"
    status, reason, message = condition(world, "SchedulerReachable")
    assert (status, reason) == ("False", "Unreachable")
    assert "certificate verify failed" in message
    assert condition(world, "Ready")[0] == "True"
    world.scale(1)
    world.settle()
    assert not asked(world, actions.RetireWorkers)


def test_a_scheduler_of_the_namespaces_ca_is_asked_who_has_joined_and_retires_workers() -> None:
    world = World({"worker": {"replicas": 2}, "scheduler": {"address": "tls://10.0.9.9:8786"}})
    world.is_of_our_ca = True
    world.settle()
    assert condition(world, "SchedulerReachable")[:2] == ("True", "SchedulerAnswers")
    assert condition(world, "SchedulerReady") == ("True", "ExternalScheduler", "")
    world.scale(1)
    world.settle()
    (retire,) = asked(world, actions.RetireWorkers)
    assert (retire.count, retire.certificate.certificate) == (1, "certificate after")


def test_another_address_gets_workers_of_its_own() -> None:
    world = joined()
    world.edit(scheduler={"address": OTHER})
    world.settle()
    assert {task.scheduler_address for task in world.live["worker"]} == {OTHER}
    assert len(world.live["worker"]) == 2


def test_where_an_older_crd_lets_an_own_scheduler_give_way_it_is_stopped_and_comes_back() -> None:
    world = running(1)
    world.edit(scheduler={"address": ADDRESS})
    world.settle()
    assert not world.live["scheduler"]
    assert {task.scheduler_address for task in world.live["worker"]} == {ADDRESS}
    world.edit(scheduler={})
    world.settle()
    assert len(world.live["scheduler"]) == 1
    assert {task.scheduler_address for task in world.live["worker"]} == {world.live["scheduler"][0].address}


def test_an_address_that_the_owner_does_not_admit_is_not_called() -> None:
    settings = dataclasses.replace(SETTINGS, allow_schedulers=("tcp://10.20.*",))
    world = World({"scheduler": {"address": ADDRESS}, "worker": {"replicas": 1}}, settings=settings)
    world.step()
    assert admission.external_scheduler(world.target) is None
    status, reason, message = condition(world, "Stalled")
    assert (status, reason) == ("True", "SchedulerNotAllowed")
    assert "spec.scheduler.address" in message
    assert "--allow-scheduler" in message
    assert world.done == []
    world.delete()
    world.settle()
    assert world.gone


def test_a_deleted_cluster_retires_its_workers_and_leaves_the_scheduler() -> None:
    world = joined(2)
    world.delete()
    world.settle()
    assert world.gone
    assert not asked(world, actions.TerminateScheduler)
    (retire,) = asked(world, actions.RetireWorkers)
    assert (retire.scheduler_address, retire.count) == (ADDRESS, 2)
    assert not asked(world, actions.StopTask)


def test_a_suspended_cluster_retires_its_workers_and_comes_back_to_the_same_scheduler() -> None:
    world = joined(2)
    world.edit(suspend=True)
    world.settle()
    assert not any(world.live.values())
    assert not asked(world, actions.TerminateScheduler)
    (retire,) = asked(world, actions.RetireWorkers)
    assert (retire.count, retire.why) == (2, "the cluster rests")
    world.edit(suspend=False)
    world.settle()
    assert {task.scheduler_address for task in world.live["worker"]} == {ADDRESS}


def test_a_deleted_cluster_stops_its_workers_where_the_scheduler_does_not_answer() -> None:
    world = joined(2)
    world.reachable = False
    world.delete()
    world.settle()
    assert world.gone
    assert not asked(world, actions.RetireWorkers)
    assert len(asked(world, actions.StopTask)) == 2
