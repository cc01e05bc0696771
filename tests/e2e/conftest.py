"""What the end-to-end tests share.

Every operator has the keys of an AWS user that may do what `dask-ecs iam-policy` prints, and nothing else.

Most tests use `tenant`: a namespace of their own, served by one operator that watches them all. Tests that kill the
operator, start it with options of their own, or let AWS fail use `lone_tenant`: its operator watches that namespace
alone, in a stack whose AWS no other operator uses.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dask_ecs.local import kubectl
from dask_ecs.local.aws.handle import LocalAWS
from dask_ecs.local.controlplane.run import ControlPlane
from dask_ecs.local.stack import Stack, apply_crds
from dask_ecs.plan import names

from .aws_account import AwsAccount
from .operator_process import OperatorProcess
from .operator_under_its_policy import operator_under_its_policy
from .tenant import RunningCluster, Tenant, manifest
from .waiting import DEADLINE

# Seconds. A role that can be used at once saves each test a retry or two; IAM takes its time in a test of its own.
QUICK = {"role_assumable": 0.0}
LATE = 90

# For clusters that are there for half an hour: Dask looks after itself many times a second, at 7 % of a core a worker.
CALM = [
    {"name": "DASK_DISTRIBUTED__ADMIN__TICK__INTERVAL", "value": "1s"},
    {"name": "DASK_DISTRIBUTED__ADMIN__SYSTEM_MONITOR__INTERVAL", "value": "10s"},
    {"name": "DASK_DISTRIBUTED__WORKER__MEMORY__MONITOR_INTERVAL", "value": "5s"},
    {"name": "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED", "value": "False"},
]

# Where the clusters are of the operator that watches all namespaces.
REGIONS = ("eu-west-1", "eu-west-2", "eu-central-1")


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    """A control plane and an AWS for the operator that watches all namespaces."""
    with Stack.start() as stack:
        stack.aws.delays(**QUICK)
        yield stack


@pytest.fixture(scope="package")
def operator(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OperatorProcess]:
    """The operator that watches all namespaces of `stack`."""
    log = tmp_path_factory.mktemp("operator") / "log"
    with operator_under_its_policy("--all-namespaces", stack=stack, log=log, regions=REGIONS) as operator:
        yield operator


@pytest.fixture
def account(stack: Stack) -> AwsAccount:
    """The AWS account of `stack`."""
    return AwsAccount(stack.aws)


@pytest.fixture
def tenant(stack: Stack, operator: OperatorProcess, request: pytest.FixtureRequest) -> Iterator[Tenant]:
    """A namespace for this test; it is deleted at the end, and the operator cleans up after it."""
    began = time.time()
    with namespace(stack.kubeconfig, name=named_after(request)) as name:
        yield Tenant(stack.kubeconfig, name, operator)
    assert stack.aws.denials(since=began) == [], "the operator's policy lacks what this test needs"


@pytest.fixture(scope="package")
def running(stack: Stack, operator: OperatorProcess) -> Iterator[RunningCluster]:
    """A Fargate cluster of a scheduler and two workers for tests that only look at it."""
    with namespace(stack.kubeconfig, name="running") as name:
        tenant = Tenant(stack.kubeconfig, name, operator)
        environment = [{"name": "COLOUR", "value": "blue"}, *CALM]
        with_dashboard: dict[str, list[str]] = {"extraArgs": []}
        body = manifest(
            replicas=2,
            tags={"team": "research"},
            environment=environment,
            scheduler=with_dashboard,
            worker=with_dashboard,
        )
        tenant.apply(body)
        tenant.kubectl("wait", "dkc/demo", "--for=condition=Ready", f"--timeout={DEADLINE:.0f}s", timeout=2 * DEADLINE)
        yield RunningCluster(tenant, AwsAccount(stack.aws), tenant.get("demo") or {})


@pytest.fixture(scope="package")
def late(stack: Stack, operator: OperatorProcess) -> Iterator[RunningCluster]:
    """A cluster of two workers whose scheduler starts 90 s late, as if its image were much larger than theirs."""
    account = AwsAccount(stack.aws)
    entrypoint = f'test "$2" != scheduler || sleep {LATE}; exec "$@"'
    row = next(row for row in stack.aws.images() if row["image"] == "ghcr.io/dask/dask:*")
    stack.aws.images(add=[{**row, "image": "late/dask", "entrypoint": ["sh", "-c", entrypoint, "sh"]}])
    with namespace(stack.kubeconfig, name="late") as name:
        tenant = Tenant(stack.kubeconfig, name, operator)
        tenant.apply(manifest(replicas=2, image="late/dask", environment=CALM))
        yield RunningCluster(tenant, account, tenant.get("demo") or {})


@pytest.fixture(scope="package", autouse=True)
def _begin_early_what_is_late(request: pytest.FixtureRequest) -> None:
    """Let the 90 s go by while other tests run, if a test that waits for them is to run at all."""
    if any("late" in getattr(item, "fixturenames", ()) for item in request.session.items):
        request.getfixturevalue("late")


@pytest.fixture(scope="package")
def quiet_stack(control_plane: ControlPlane) -> Iterator[Stack]:
    """A control plane and an AWS without an operator: each test brings its own."""
    apply_crds(control_plane.kubeconfig)
    with LocalAWS.start(delays=QUICK) as aws:
        yield Stack(kubeconfig=control_plane.kubeconfig, aws=aws, control_plane=control_plane)


@pytest.fixture(scope="package")
def simulated_stack(control_plane: ControlPlane) -> Iterator[Stack]:
    """The same with simulated tasks, for modules whose tests compute nothing: they take it for their `quiet_stack`."""
    apply_crds(control_plane.kubeconfig)
    with LocalAWS.start(executor="sim", delays=QUICK) as aws:
        yield Stack(kubeconfig=control_plane.kubeconfig, aws=aws, control_plane=control_plane)


@pytest.fixture
def quiet_account(quiet_stack: Stack) -> Iterator[AwsAccount]:
    """The AWS account of `quiet_stack`; what a test makes fail or slow there is mended after it."""
    delays = quiet_stack.aws.delays()
    yield AwsAccount(quiet_stack.aws)
    quiet_stack.aws.clear_faults()
    quiet_stack.aws.set_capacity(fargate=None)
    quiet_stack.aws.delays(**delays)


@pytest.fixture
def operator_options() -> list[str]:
    """Further options of `lone_tenant`'s operator: a test that needs some parametrizes this fixture."""
    return []


@pytest.fixture
def lone_tenant(
    quiet_stack: Stack,
    quiet_account: AwsAccount,
    operator_options: list[str],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Iterator[Tenant]:
    """A namespace for this test with an operator for it alone, which the test may kill and restart."""
    with namespace(quiet_stack.kubeconfig, name=named_after(request)) as name:
        options = ["--namespace", name, "--install", names.short_hash(name, length=8), *operator_options]
        log = tmp_path / "operator.log"
        with operator_under_its_policy(*options, stack=quiet_stack, log=log) as operator:
            yield Tenant(quiet_stack.kubeconfig, name, operator)
        _abandon(Tenant(quiet_stack.kubeconfig, name, operator), quiet_account)


def _abandon(tenant: Tenant, account: AwsAccount) -> None:
    """Do without an operator what is quicker so: stop the tasks, and let the objects go."""
    account.aws.clear_faults()
    for body in tenant.all():
        ecs_cluster = body.get("status", {}).get("clusterArn")
        for task in account.live_tasks(ecs_cluster, uid=body["metadata"]["uid"]) if ecs_cluster else ():
            account.ecs.stop_task(cluster=ecs_cluster, task=task["taskArn"])
        tenant.kubectl(
            "patch", "dkc", body["metadata"]["name"], "--type=merge", '--patch={"metadata":{"finalizers":[]}}'
        )


@contextmanager
def namespace(kubeconfig: Path, *, name: str) -> Iterator[str]:
    """Make a namespace; at the end begin to delete it, without waiting for it."""
    kubectl.run("create", "namespace", name, kubeconfig=kubeconfig)
    try:
        yield name
    finally:
        kubectl.run("delete", "namespace", name, "--wait=false", "--ignore-not-found", kubeconfig=kubeconfig)


def named_after(request: pytest.FixtureRequest) -> str:
    """Return the test's name as a namespace's (a DNS label of at most 63 characters), unlike any other test's."""
    readable = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())[:50].strip("-")
    return f"{readable}-{names.short_hash(request.node.nodeid, length=6)}"
