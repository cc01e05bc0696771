"""A task that can not start: a condition says why, in AWS's words, and what to do; it is tried again until it can."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from dask_ecs.local.aws.handle import LocalAWS

from .aws_account import AwsAccount
from .computation import compute_on
from .kstatus import kstatus, retry_at
from .tenant import Tenant, manifest
from .waiting import until


def dask_image(aws: LocalAWS, name: str, **changes: Any) -> dict[str, Any]:
    """Return a row of the image table: Dask's image under another name, with changes."""
    row = next(row for row in aws.images() if row["image"] == "ghcr.io/dask/dask:*")
    return {**row, "image": name, **changes}


def test_an_image_that_is_not_there_is_named_and_the_cluster_starts_once_it_is(
    tenant: Tenant, account: AwsAccount
) -> None:
    image = f"registry.example/{tenant.namespace}:1"
    name = tenant.apply(manifest(image=image))
    condition = tenant.wait_for_condition(name, "SchedulerReady", "False", reason="ImageNotFound")
    assert (
        f"CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref {image}"
        in (condition["message"])
    )
    assert "Check the image's name (spec.image" in condition["message"]
    assert condition["message"].count("CannotPullContainerError") == 1
    assert retry_at(condition)
    assert tenant.condition(name, "Ready")["message"] == condition["message"]
    assert kstatus(tenant.get(name)) == "InProgress"
    assert "ImageNotFound" in {event["reason"] for event in tenant.events(name) if event["type"] == "Warning"}
    account.aws.images(add=[dask_image(account.aws, image)])
    tenant.wait_until_ready(name)
    assert kstatus(tenant.get(name)) == "Current"


def test_an_image_whose_program_fails_at_once_is_shown_with_its_last_words(tenant: Tenant, account: AwsAccount) -> None:
    image = f"registry.example/{tenant.namespace}:1"
    script = "echo 'ModuleNotFoundError: No module named dask' >&2; exit 3"
    account.aws.images(add=[dask_image(account.aws, image, entrypoint=["/bin/sh", "-c", script])])
    name = tenant.apply(manifest(image=image))
    condition = tenant.wait_for_condition(name, "SchedulerReady", "False", reason="DaskNotInImage")
    assert "exited with 3: Essential container in task exited" in condition["message"]
    assert "Its log ends: ModuleNotFoundError: No module named dask" in condition["message"]
    assert retry_at(condition)
    account.aws.images(add=[dask_image(account.aws, image)])
    tenant.scale(name, 0)
    tenant.wait_until_ready(name)


def test_arguments_that_dask_refuses_are_shown_and_an_edit_of_them_is_tried_at_once(tenant: Tenant) -> None:
    wrong = manifest(scheduler={"cpu": "0.25", "memory": "1Gi", "extraArgs": ["--no-such-option"]})
    name = tenant.apply(wrong)
    condition = tenant.wait_for_condition(name, "SchedulerReady", "False", reason="ArgumentsInvalid")
    assert "exited with 2" in condition["message"]
    assert "No such option" in condition["message"]
    assert "extraArgs" in condition["message"]
    tenant.patch(name, {"scheduler": {"extraArgs": []}})
    tenant.wait_until_ready(name)


def test_the_scheduler_runs_on_while_its_workers_can_not_start(tenant: Tenant) -> None:
    name = tenant.apply(manifest(replicas=2, worker={"extraArgs": ["--no-such-option"]}))
    condition = tenant.wait_for_condition(name, "WorkersReady", "False", reason="ArgumentsInvalid")
    assert "0 of 2 workers have joined" in condition["message"]
    assert "No such option" in condition["message"]
    tenant.wait_for_condition(name, "SchedulerReady", "True")
    scheduler = tenant.wait_for(name, lambda status: status["phase"] == "Degraded")["schedulerTaskArn"]
    tenant.patch(name, {"worker": {"extraArgs": []}})
    assert tenant.wait_until_ready(name, workers=2)["schedulerTaskArn"] == scheduler
    compute_on(tenant, name)


def test_a_log_group_that_somebody_deleted_is_made_again(tenant: Tenant, account: AwsAccount) -> None:
    group = f"/{tenant.namespace}"
    name = tenant.apply(manifest(logs={"group": group, "retentionDays": 7}))
    tenant.wait_until_ready(name)
    account.logs.delete_log_group(logGroupName=group)
    tenant.scale(name, 2)
    condition = tenant.wait_for_condition(name, "WorkersReady", "False", reason="LogGroupMissing")
    assert "spec.logs.group" in condition["message"]
    tenant.wait_until_ready(name, workers=2)
    (made,) = account.logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert made["retentionInDays"] == 7


def test_without_fargate_capacity_the_cluster_waits_and_starts_by_itself_when_there_is_some(
    lone_tenant: Tenant, quiet_account: AwsAccount
) -> None:
    quiet_account.aws.set_capacity(fargate=0)
    name = lone_tenant.apply(manifest())
    condition = lone_tenant.wait_for_condition(name, "SchedulerReady", "False", reason="CapacityUnavailable")
    assert (
        "Capacity is unavailable at this time. Please try again later or in a different availability zone"
        in (condition["message"])
    )
    assert "spec.network.subnets" in condition["message"]
    assert retry_at(condition)
    assert kstatus(lone_tenant.get(name)) == "InProgress"
    assert lone_tenant.condition(name, "Stalled")["status"] == "False"
    quiet_account.aws.set_capacity(fargate=None)
    lone_tenant.wait_until_ready(name)


def test_with_capacity_for_one_of_three_workers_that_one_works_and_the_others_follow(
    lone_tenant: Tenant, quiet_account: AwsAccount
) -> None:
    quiet_account.aws.set_capacity(fargate=2)
    name = lone_tenant.apply(manifest(replicas=3))
    status = lone_tenant.wait_for(name, lambda status: status["workers"]["running"] == 1)
    condition = lone_tenant.wait_for_condition(name, "WorkersReady", "False", reason="CapacityUnavailable")
    assert retry_at(condition)
    compute_on(lone_tenant, name)
    assert lone_tenant.status(name)["phase"] == "Degraded"
    first = quiet_account.live_tasks(status["clusterArn"], role="worker")
    quiet_account.aws.set_capacity(fargate=None)
    after = lone_tenant.wait_until_ready(name, workers=3)
    assert after["schedulerTaskArn"] == status["schedulerTaskArn"]
    workers = quiet_account.live_tasks(status["clusterArn"], role="worker")
    assert len(workers) == 3
    assert {task["taskArn"] for task in first} < {task["taskArn"] for task in workers}


@pytest.mark.parametrize(
    ("operation", "condition_type"),
    [("ecs:RunTask", "SchedulerReady"), ("iam:CreateRole", "RolesReady")],
    ids=["RunTask", "CreateRole"],
)
def test_a_call_that_the_operator_may_not_make_is_named_with_what_to_allow(
    lone_tenant: Tenant, quiet_account: AwsAccount, operation: str, condition_type: str
) -> None:
    message = (
        f"User: arn:aws:sts::123456789012:assumed-role/dask-ecs-operator/pod is not authorized to perform: {operation}"
        f" because no identity-based policy allows the {operation} action"
    )
    code = "AccessDenied" if operation.startswith("iam") else "AccessDeniedException"
    quiet_account.aws.fault(operation, code=code, message=message)
    name = lone_tenant.apply(manifest())
    condition = lone_tenant.wait_for_condition(name, condition_type, "False", reason="AccessDenied")
    assert message in condition["message"]
    statement = json.dumps({"Effect": "Allow", "Action": operation, "Resource": "*"})
    identity = "arn:aws:sts::123456789012:assumed-role/dask-ecs-operator/pod"
    assert f"Add this statement to a policy of {identity}: {statement}" in condition["message"]
    assert lone_tenant.condition(name, "Stalled")["message"] == condition["message"]
    assert kstatus(lone_tenant.get(name)) == "Failed"
    refused = quiet_account.aws.calls()[operation]
    lone_tenant.scale(name, 0)
    until(lambda: quiet_account.aws.calls()[operation] > refused, shown=lambda: lone_tenant.shown(name))
    assert datetime.now(UTC) < retry_at(condition), "an edit is tried at once, not when it would have been"
    quiet_account.aws.clear_faults()
    lone_tenant.wait_until_ready(name)
    assert kstatus(lone_tenant.get(name)) == "Current"


def test_a_few_throttled_calls_are_nobodys_concern(lone_tenant: Tenant, quiet_account: AwsAccount) -> None:
    for operation in ("ecs:RunTask", "ecs:ListTasks", "iam:CreateRole", "ec2:DescribeVpcs"):
        quiet_account.aws.fault(operation, code="ThrottlingException", message="Rate exceeded", count=4)
    name = lone_tenant.apply(manifest())
    made = lone_tenant.get(name)
    lone_tenant.wait_until_ready(name)
    outcomes = {(call["operation"], call["outcome"]) for call in quiet_account.aws.call_log()}
    assert {("ecs:RunTask", "ThrottlingException"), ("ecs:ListTasks", "ThrottlingException")} < outcomes
    assert [event for event in lone_tenant.events(name) if event["type"] == "Warning"] == []
    said = [condition for body in lone_tenant.history(made) for condition in body["status"]["conditions"]]
    assert {condition["status"] for condition in said if condition["type"] == "Stalled"} == {"False"}
    assert "Throttled" not in {condition["reason"] for condition in said}


def test_an_edit_whose_workers_can_not_start_leaves_the_old_ones_and_says_what_keeps_it(
    tenant: Tenant, account: AwsAccount
) -> None:
    name = tenant.apply(manifest(replicas=1))
    cluster = tenant.wait_until_ready(name, workers=1)["clusterArn"]
    (old,) = account.live_tasks(cluster, role="worker")
    tenant.patch(name, {"worker": {"image": f"registry.example/{tenant.namespace}:1"}})
    stuck = tenant.wait_for_condition(name, "UpToDate", "False", reason="RolloutStuck")
    assert "CannotPullContainerError" in stuck["message"]
    assert old["taskArn"] in {task["taskArn"] for task in account.live_tasks(cluster, role="worker")}
    tenant.patch(name, {"worker": {"image": None}})
    tenant.wait_for_condition(name, "UpToDate")
    tenant.wait_until_ready(name, workers=1)
    assert [task["taskArn"] for task in account.live_tasks(cluster, role="worker")] == [old["taskArn"]]
