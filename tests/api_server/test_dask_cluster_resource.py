import datetime
import json
from pathlib import Path

import pytest
import yaml

from dask_ecs.api.conditions import set_condition
from dask_ecs.api.spec import DaskClusterSpec
from dask_ecs.api.status import DaskClusterStatus, WorkerCounts

from .conftest import User

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))

NOT_READY = set_condition(
    (),
    "Ready",
    "False",
    reason="WorkersPending",
    message="3 of 4 workers run",
    now=datetime.datetime(2026, 1, 31, tzinfo=datetime.UTC),
)
STATUS = DaskClusterStatus(
    launch_type="FARGATE",
    phase="Running",
    scheduler_address="tls://10.0.1.7:8786",
    dashboard_link="http://10.0.1.7:8787/status",
    replicas=3,
    selector="ecs.dask.org/cluster=demo",
    workers=WorkerCounts(desired=4, pending=1, running=3),
    image="ghcr.io/dask/dask:2026.8.0",
    conditions=NOT_READY,
)


def write_status(user: User, name: str, status: DaskClusterStatus) -> None:
    patch = json.dumps({"status": status.model_dump(exclude_none=True, mode="json")})
    user.types("patch", "dkc", name, "--subresource=status", "--type=merge", "--patch", patch)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_is_accepted_and_read_back_as_it_was_meant(user: User, example: Path) -> None:
    user.types("apply", "-f", str(example))

    written = yaml.safe_load(example.read_text())
    stored = user.reads(written["metadata"]["name"])
    assert DaskClusterSpec.model_validate(stored["spec"]) == DaskClusterSpec.model_validate(written["spec"])


def test_an_empty_spec_becomes_a_scheduler_with_no_workers(user: User) -> None:
    user.applies("empty", {})

    assert user.reads("empty")["spec"] == {
        "launchType": "FARGATE",
        "cpuArchitecture": "X86_64",
        "isolation": "namespace",
        "platformVersion": "LATEST",
        "scheduler": {"cpu": "1", "memory": "4Gi", "port": 8786, "dashboardPort": 8787, "idleTimeout": "5m"},
        "worker": {"replicas": 0, "cpu": "4", "memory": "16Gi", "gpu": 0},
        "logs": {"group": "dask-ecs", "retentionDays": 30, "deletionPolicy": "Retain"},
        "service": {"enabled": False},
        "tls": {"enabled": True},
        "suspend": False,
        "deletionPolicy": "Delete",
        "updateStrategy": {"type": "RollingUpdate", "maxSurge": "25%", "maxUnavailable": "0"},
    }


def test_a_spec_that_is_left_out_is_an_empty_one(user: User) -> None:
    user.types(
        "apply", "-f", "-", stdin="{apiVersion: ecs.dask.org/v1alpha1, kind: DaskCluster, metadata: {name: bare}}"
    )

    assert DaskClusterSpec.model_validate(user.reads("bare")["spec"]) == DaskClusterSpec()


def test_the_table_shows_how_it_goes(user: User) -> None:
    user.applies("demo", {"worker": {"replicas": 4}})
    write_status(user, "demo", STATUS)

    header, row = user.types("get", "dkc").splitlines()

    assert header.split() == ["NAME", "STATUS", "WORKERS", "LAUNCH", "TYPE", "ADDRESS", "AGE"]
    assert row.split()[:-1] == ["demo", "Running", "3/4", "FARGATE", "tls://10.0.1.7:8786"]


def test_the_wide_table_adds_image_dashboard_and_reason(user: User) -> None:
    user.applies("demo", {"worker": {"replicas": 4}})
    write_status(user, "demo", STATUS)

    header, row = user.types("get", "dkc", "-o", "wide").splitlines()

    assert header.split()[-3:] == ["IMAGE", "DASHBOARD", "REASON"]
    assert row.split()[-3:] == ["ghcr.io/dask/dask:2026.8.0", "http://10.0.1.7:8787/status", "WorkersPending"]


def test_waiting_for_a_condition_works(user: User) -> None:
    user.applies("demo", {"worker": {"replicas": 4}})
    write_status(user, "demo", STATUS)

    assert "condition met" in user.types("wait", "dkc/demo", "--for=condition=Ready=False", "--timeout=10s")


def test_the_category_lists_it(user: User) -> None:
    user.applies("demo", {})

    assert user.types("get", "dask", "-o", "name").split() == ["daskcluster.ecs.dask.org/demo"]


def test_kubectl_scale_sets_the_workers(user: User) -> None:
    user.applies("demo", {})

    user.types("scale", "dkc/demo", "--replicas=7")

    assert user.reads("demo")["spec"]["worker"]["replicas"] == 7


def test_the_scale_subresource_tells_autoscalers_what_there_is(user: User) -> None:
    user.applies("demo", {"worker": {"replicas": 4}})
    write_status(user, "demo", STATUS)

    scale = json.loads(user.types("get", "dkc", "demo", "--subresource=scale", "-o", "json"))

    assert scale["spec"] == {"replicas": 4}
    assert scale["status"] == {"replicas": 3, "selector": "ecs.dask.org/cluster=demo"}


def test_a_user_does_not_write_the_status_by_applying(user: User) -> None:
    body = {"apiVersion": "ecs.dask.org/v1alpha1", "kind": "DaskCluster", "metadata": {"name": "demo"}}
    user.types("apply", "-f", "-", stdin=json.dumps({**body, "status": {"phase": "Running"}}))

    assert "status" not in user.reads("demo")


def test_the_operator_does_not_change_the_spec_by_writing_the_status(user: User) -> None:
    user.applies("demo", {"worker": {"replicas": 4}})
    before = user.reads("demo")

    patch = json.dumps({"status": {"phase": "Running"}, "spec": {"worker": {"replicas": 9}}})
    user.types("patch", "dkc", "demo", "--subresource=status", "--type=merge", "--patch", patch)

    after = user.reads("demo")
    assert after["status"] == {"phase": "Running"}
    assert after["spec"] == before["spec"]
    assert after["metadata"]["generation"] == before["metadata"]["generation"]


def test_appliers_merge_their_environment_variables_by_name(user: User) -> None:
    user.applies("shared", {"environment": [{"name": "A", "value": "1"}]}, "--server-side", "--field-manager=one")

    user.applies("shared", {"environment": [{"name": "B", "value": "2"}]}, "--server-side", "--field-manager=two")

    assert user.reads("shared")["spec"]["environment"] == [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("dkc", "A Dask cluster on AWS ECS: a scheduler and its workers."),
        ("dkc.spec.worker.memory", "a number without a unit is bytes"),
        ("dkc.spec.network.allowedCidrs", "Who may reach scheduler and dashboard"),
        ("dkc.status.conditions.reason", "Why, in one CamelCase word"),
    ],
)
def test_kubectl_explain_teaches(user: User, path: str, says: str) -> None:
    assert says in " ".join(user.types("explain", path).split())
