"""Whatever moment the operator dies in, no task is run twice and none is forgotten."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dask_ecs.api.daskcluster import GROUP, PLURAL
from dask_ecs.local import kubectl
from dask_ecs.local.stack import Stack

from .aws_account import AwsAccount
from .tenant import Tenant, manifest
from .waiting import until

ROLES = ["scheduler", "worker"]

_REFUSAL = "For this test, what was written ahead stays written"

# How often botocore's standard retries send a call before the operator hears that no answer came.
_SDK_ATTEMPTS = 3


@pytest.fixture(scope="module")
def quiet_stack(simulated_stack: Stack) -> Stack:
    return simulated_stack


def _prepare(tenant: Tenant, account: AwsAccount, role: str) -> str:
    """Bring a cluster to where the next task to run is of this role; return its name."""
    if role == "worker":
        tenant.apply(manifest(replicas=0))
        tenant.wait_until_ready("demo")
    account.aws.reset_calls()
    return "demo"


def _launch(tenant: Tenant, role: str) -> None:
    """Have a scheduler run, or two workers."""
    if role == "worker":
        tenant.scale("demo", 2)
    else:
        tenant.apply(manifest(replicas=0))


@contextmanager
def _launches_stay_written(tenant: Tenant) -> Iterator[None]:
    """Let the API server refuse every status that has fewer written-ahead launches than before."""
    name = f"{tenant.namespace}.{GROUP}"
    status = {"apiGroups": [GROUP], "apiVersions": ["*"], "resources": [f"{PLURAL}/status"], "operations": ["UPDATE"]}
    # Being refused one of these is how to know that the policy is in force.
    probe = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"], "operations": ["CREATE"]}
    had = "has(oldObject.status) && has(oldObject.status.launches)"
    kept = f"!({had}) || size(oldObject.status.launches) <= size(object.status.launches)"
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {"resourceRules": [status, probe]},
            "validations": [
                {"expression": f"request.resource.resource == '{PLURAL}' && ({kept})", "message": _REFUSAL}
            ],
        },
    }
    selector = {"matchLabels": {"kubernetes.io/metadata.name": tenant.namespace}}
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {
            "policyName": name,
            "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": selector},
        },
    }
    manifests = json.dumps({"apiVersion": "v1", "kind": "List", "items": [policy, binding]})
    tenant.kubectl("apply", "--filename=-", stdin=manifests)
    try:
        until(lambda: not _may_make_configmaps(tenant))
        yield
    finally:
        tenant.kubectl("delete", "--filename=-", stdin=manifests)
        until(lambda: _may_make_configmaps(tenant))


def _may_make_configmaps(tenant: Tenant) -> bool:
    try:
        tenant.kubectl("create", "configmap", "probe", "--dry-run=server")
    except kubectl.KubectlError as error:
        if _REFUSAL in str(error):
            return False
        raise
    return True


def _wait_for_call(tenant: Tenant, account: AwsAccount) -> None:
    until(lambda: account.aws.calls().get("ecs:RunTask"), every=0.02, shown=lambda: tenant.operator.last_words)


def _tokens(account: AwsAccount) -> set[str]:
    return {call["parameters"]["clientToken"] for call in account.aws.call_log("ecs:RunTask")}


def _tasks(tenant: Tenant, account: AwsAccount, name: str, role: str) -> int:
    """Count the tasks of a role that were ever run."""
    return len(account.tasks(tenant.status(name)["clusterArn"], role=role))


def _expect_no_duplicate(tenant: Tenant, account: AwsAccount, name: str, role: str) -> None:
    """Wait until all is well, and check that each task was run once."""
    workers = 2 if role == "worker" else 0
    tenant.wait_until_ready(name, workers=workers)
    tenant.wait_for(name, lambda status: status["launches"] == [])
    assert _tasks(tenant, account, name, "scheduler") == 1
    assert _tasks(tenant, account, name, "worker") == workers


@pytest.mark.parametrize("role", ROLES)
def test_killed_before_the_call_is_carried_out(lone_tenant: Tenant, quiet_account: AwsAccount, role: str) -> None:
    name = _prepare(lone_tenant, quiet_account, role)
    quiet_account.aws.fault("ecs:RunTask", code="ServerException", status=500, latency=5)
    _launch(lone_tenant, role)
    _wait_for_call(lone_tenant, quiet_account)
    lone_tenant.operator.sigkill()
    (written,) = lone_tenant.status(name)["launches"]
    assert _tasks(lone_tenant, quiet_account, name, role) == 0
    quiet_account.aws.clear_faults()
    lone_tenant.operator.restart()
    _expect_no_duplicate(lone_tenant, quiet_account, name, role)
    assert _tokens(quiet_account) == {written["token"]}


@pytest.mark.parametrize("role", ROLES)
def test_killed_while_the_call_is_carried_out(lone_tenant: Tenant, quiet_account: AwsAccount, role: str) -> None:
    name = _prepare(lone_tenant, quiet_account, role)
    quiet_account.aws.fault("ecs:RunTask", latency=3, count=1)
    _launch(lone_tenant, role)
    _wait_for_call(lone_tenant, quiet_account)
    lone_tenant.operator.sigkill()
    (written,) = lone_tenant.status(name)["launches"]
    until(lambda: _tasks(lone_tenant, quiet_account, name, role), shown=lambda: lone_tenant.shown(name))
    lone_tenant.operator.restart()
    _expect_no_duplicate(lone_tenant, quiet_account, name, role)
    assert _tokens(quiet_account) == {written["token"]}


@pytest.mark.parametrize("role", ROLES)
def test_killed_after_the_call_before_its_outcome_is_written_down(
    lone_tenant: Tenant, quiet_account: AwsAccount, role: str
) -> None:
    name = _prepare(lone_tenant, quiet_account, role)
    with _launches_stay_written(lone_tenant):
        _launch(lone_tenant, role)
        until(lambda: _REFUSAL in lone_tenant.operator.said, shown=lambda: lone_tenant.shown(name))
        lone_tenant.operator.sigkill()
        assert len(lone_tenant.status(name)["launches"]) == 1
    lone_tenant.operator.restart()
    _expect_no_duplicate(lone_tenant, quiet_account, name, role)


@pytest.mark.parametrize("role", ROLES)
def test_a_lost_answer_is_asked_for_again_with_the_same_token(
    lone_tenant: Tenant, quiet_account: AwsAccount, role: str
) -> None:
    name = _prepare(lone_tenant, quiet_account, role)
    quiet_account.aws.fault("ecs:RunTask", after=True, latency=1, count=_SDK_ATTEMPTS)
    _launch(lone_tenant, role)
    _wait_for_call(lone_tenant, quiet_account)
    quiet_account.aws.fault("ecs:ListTasks", code="ServerException", status=500)  # else it would see the tasks first
    until(
        lambda: quiet_account.aws.calls().get("ecs:RunTask", 0) > _SDK_ATTEMPTS, shown=lambda: lone_tenant.shown(name)
    )
    quiet_account.aws.clear_faults()
    _expect_no_duplicate(lone_tenant, quiet_account, name, role)
    assert len(_tokens(quiet_account)) == 1
    assert quiet_account.aws.calls()["ecs:RunTask"] == _SDK_ATTEMPTS + 1


@pytest.mark.parametrize("role", ROLES)
def test_tasks_whose_answer_was_lost_are_known_when_they_are_seen(
    lone_tenant: Tenant, quiet_account: AwsAccount, role: str
) -> None:
    name = _prepare(lone_tenant, quiet_account, role)
    quiet_account.aws.fault("ecs:RunTask", after=True)
    _launch(lone_tenant, role)
    _expect_no_duplicate(lone_tenant, quiet_account, name, role)
    assert len(_tokens(quiet_account)) == 1


def test_a_second_sending_that_is_refused_does_not_forget_the_first(
    lone_tenant: Tenant, quiet_account: AwsAccount
) -> None:
    name = _prepare(lone_tenant, quiet_account, "worker")
    quiet_account.aws.fault("ecs:ListTasks", code="ServerException", status=500)  # else it would see the tasks first
    quiet_account.aws.fault("ecs:RunTask", after=True, count=_SDK_ATTEMPTS)
    _launch(lone_tenant, "worker")
    until(
        lambda: quiet_account.aws.calls().get("ecs:RunTask", 0) >= _SDK_ATTEMPTS, shown=lambda: lone_tenant.shown(name)
    )
    quiet_account.aws.fault("ecs:RunTask", code="AccessDeniedException", message="not authorized", count=1)
    until(
        lambda: quiet_account.aws.calls().get("ecs:RunTask", 0) > _SDK_ATTEMPTS, shown=lambda: lone_tenant.shown(name)
    )
    quiet_account.aws.clear_faults()
    _expect_no_duplicate(lone_tenant, quiet_account, name, "worker")
    assert len(_tokens(quiet_account)) == 1


def test_a_restart_changes_nothing(lone_tenant: Tenant, quiet_account: AwsAccount) -> None:
    name = lone_tenant.apply(manifest(replicas=2))
    lone_tenant.wait_until_ready(name, workers=2)
    lone_tenant.operator.terminate()
    before, events = lone_tenant.get(name), lone_tenant.events(name)
    quiet_account.aws.reset_calls()
    quiet_account.aws.fault("ecs:ListTasks", latency=2, count=2)  # what is not known yet is not taken for missing
    lone_tenant.operator.restart()
    # The first look lists what is to run and what has stopped, the next one what is to run.
    until(lambda: quiet_account.aws.calls().get("ecs:ListTasks", 0) >= 3, shown=lambda: lone_tenant.shown(name))
    assert lone_tenant.get(name) == before
    assert [event["message"] for event in lone_tenant.events(name)] == [event["message"] for event in events]
    asked = {operation.partition(":")[2] for operation in quiet_account.aws.calls()}
    looks = {"ListTasks", "DescribeTasks", "DescribeClusters", "DescribeSecurityGroups", "GetSecretValue"}
    assert asked == {*looks, "GetCallerIdentity"}
