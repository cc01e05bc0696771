"""What RunTask is asked: per-role launch types, placement, tags and ECS Exec."""

from typing import Any

from dask_ecs.plan import actions

from .world import World, asked, running

GIVEN = "arn:aws:ecs:eu-west-1:123456789012:cluster/given"
ON_GPUS = {"type": "memberOf", "expression": "attribute:ecs.instance-type =~ g5.*"}
ACROSS_ZONES = {"type": "spread", "field": "attribute:ecs.availability-zone"}


def requests(world: World) -> dict[str, dict[str, Any]]:
    return {action.launch.role: dict(action.request) for action in asked(world, actions.RunTasks)}


def definitions(world: World) -> dict[str, dict[str, Any]]:
    found = asked(world, actions.RegisterTaskDefinition)
    return {action.request["containerDefinitions"][0]["name"]: dict(action.request) for action in found}


def test_scheduler_and_workers_have_launch_types_of_their_own() -> None:
    worker = {"replicas": 1, "launchType": "EC2", "gpu": 1, "cpu": 3, "memory": "5Gi"}
    world = running(1, clusterArn=GIVEN, worker=worker)
    asked_for = requests(world)
    assert asked_for["scheduler"]["launchType"] == "FARGATE"
    assert asked_for["scheduler"]["platformVersion"] == "LATEST"
    assert asked_for["worker"]["launchType"] == "EC2"
    assert "platformVersion" not in asked_for["worker"]
    compatible = {role: definition["requiresCompatibilities"] for role, definition in definitions(world).items()}
    assert compatible == {"scheduler": ["FARGATE"], "worker": ["EC2"]}


def test_placement_is_asked_for_the_role_that_names_it() -> None:
    worker = {"replicas": 1, "placementConstraints": [ON_GPUS], "placementStrategy": [ACROSS_ZONES]}
    asked_for = requests(running(1, launchType="EC2", clusterArn=GIVEN, worker=worker))
    assert asked_for["worker"]["placementConstraints"] == [ON_GPUS]
    assert asked_for["worker"]["placementStrategy"] == [ACROSS_ZONES]
    assert not asked_for["scheduler"].keys() & {"placementConstraints", "placementStrategy"}


def test_switches_are_sent_to_both_roles_and_only_when_they_are_set() -> None:
    switches = {"propagateTags": "TASK_DEFINITION", "enableECSManagedTags": True, "enableExecuteCommand": False}
    for request in requests(running(1, **switches)).values():
        assert request.items() >= switches.items()
    for request in requests(running(1)).values():
        assert not request.keys() & switches.keys()


def test_a_made_task_role_may_do_what_ecs_exec_takes_only_where_it_is_on() -> None:
    def task_roles(world: World) -> list[actions.EnsureRole]:
        return [action for action in asked(world, actions.EnsureRole) if action.subject == "taskRole"]

    (without,) = task_roles(running(1))
    (with_exec,) = task_roles(running(1, enableExecuteCommand=True))
    assert without.inline_policy is None
    assert with_exec.inline_policy is not None
    (statement,) = with_exec.inline_policy["Statement"]
    assert set(statement["Action"]) == {
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
    }
    assert with_exec.name != without.name
