"""What `dask-ecs describe` shows of a cluster."""

import datetime
from typing import Any

from dask_ecs.api.daskcluster import DaskCluster
from dask_ecs.command_line.cluster import Event
from dask_ecs.command_line.describe import text
from dask_ecs.plan.observed import Task

NOW = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
STAMP = "2026-01-01T11:58:00Z"


def cluster(*conditions: tuple[str, str, str, str], **status: Any) -> DaskCluster:
    said = [
        {"type": kind, "status": state, "reason": reason, "message": message, "lastTransitionTime": STAMP}
        for kind, state, reason, message in conditions
    ]
    metadata = {"name": "demo", "namespace": "team", "uid": "u-1"}
    return DaskCluster.read({"metadata": metadata, "spec": {}, "status": {"conditions": said, **status}})


def task(**told: Any) -> Task:
    return Task(
        **{
            "arn": "arn:aws:ecs:eu-west-1:123456789012:task/dask/0123abcd",
            "role": "worker",
            "started_by": "dask/x/u-1",
            "task_definition_arn": "",
            "last_status": "RUNNING",
            "desired_status": "RUNNING",
            "created_at": NOW - datetime.timedelta(minutes=5),
            **told,
        }
    )


def test_a_cluster_that_is_well_is_shown_with_its_tasks_and_nothing_to_do() -> None:
    shown = text(
        cluster(("Ready", "True", "Running", ""), phase="Running", schedulerAddress="tcp://10.0.0.1:8786"),
        [task(private_ip="10.0.0.7")],
        [Event(at=STAMP, kind="Normal", reason="Ready", message="Running with 1 workers")],
        now=NOW,
    )
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert "Scheduler: tcp://10.0.0.1:8786" in lines
    assert "worker 0123abcd RUNNING 10.0.0.7 5m" in lines
    assert lines[lines.index("2m Normal Ready") + 1] == "Running with 1 workers"
    assert lines[-2:] == ["What to do:", "nothing: all is well"]


def test_the_launch_types_of_both_roles_are_shown_where_they_differ() -> None:
    assert "Launch type: EC2, FARGATE" in text(cluster(launchType="EC2, FARGATE"), [], [], now=NOW)
    assert "Launch type: FARGATE" in text(cluster(), [], [], now=NOW)


def test_what_is_wrong_and_what_to_do_is_said_once() -> None:
    message = "ecs:RunTask failed: no. Add this statement."
    shown = text(
        cluster(
            ("Ready", "False", "AccessDenied", message),
            ("Stalled", "True", "AccessDenied", message),
            ("SchedulerReachable", "Unknown", "NotTried", "There is no scheduler to be reached yet."),
            phase="Failed",
        ),
        (),
        (),
        now=NOW,
    )
    assert shown.count(message) == 1
    assert "no scheduler to be reached" not in shown


def test_of_a_cluster_at_rest_is_said_how_to_wake_it() -> None:
    message = "The cluster has run for 1h, so nothing runs any more. Any edit of the spec starts the cluster again."
    shown = text(cluster(("Suspended", "True", "LifetimeReached", message), phase="Suspended"), (), (), now=NOW)
    assert "Any edit of the spec starts the cluster again" in " ".join(shown.split())


def test_a_scheduler_that_will_go_with_its_instance_is_told_of_although_all_is_well() -> None:
    message = "The EC2 instance of the scheduler is being drained. Save results now."
    shown = text(cluster(("SchedulerReady", "True", "InstanceDraining", message), phase="Running"), (), (), now=NOW)
    assert "Save results now." in shown
    assert "all is well" not in shown


def test_a_task_that_failed_is_shown_with_its_cause_and_fix() -> None:
    failed = task(
        last_status="STOPPED",
        desired_status="STOPPED",
        stop_code="TaskFailedToStart",
        stopped_reason="CannotPullContainerError: image Manifest does not contain descriptor matching platform",
        stopped_at=NOW,
    )
    shown = text(cluster(phase="Degraded"), [failed], (), now=NOW)
    assert "TaskFailedToStart; CannotPullContainerError" in shown
    assert "set spec.cpuArchitecture" in " ".join(shown.split())


def test_where_aws_does_not_tell_the_rest_is_shown() -> None:
    shown = text(cluster(phase="Running"), "AWS does not tell. No credentials.", (), now=NOW)
    assert "AWS does not tell. No credentials." in shown
    assert "does an operator run" in shown


def test_a_scheduler_that_the_operator_does_not_reach_is_something_to_do() -> None:
    shown = text(
        cluster(
            ("Ready", "True", "Running", ""),
            ("SchedulerReachable", "False", "Unreachable", "Let the operator in by spec.network.allowedCidrs."),
            phase="Running",
        ),
        [],
        [],
        now=NOW,
    )
    assert "Let the operator in by spec.network.allowedCidrs." in shown.splitlines()[-1]
