"""A Fargate cluster as its user meets it: Ready, computing, and telling how it is."""

import json
import re

from kubernetes import client, config, watch

from dask_ecs.api.daskcluster import GROUP, PLURAL, VERSION

from .computation import compute_on
from .tenant import RunningCluster, Tenant, manifest


def test_a_client_computes_by_what_the_binding_secret_holds(running: RunningCluster) -> None:
    compute_on(running.tenant, "demo")


def test_the_conditions_say_that_and_why_it_is_ready(running: RunningCluster) -> None:
    conditions = {one["type"]: (one["status"], one["reason"]) for one in running.status["conditions"]}
    conditions.pop("VersionsMatch", None)  # read once the workers have joined, it may come a moment later
    assert conditions == {
        "Ready": ("True", "Running"),
        "Reconciling": ("False", "Settled"),
        "Stalled": ("False", "Settled"),
        "NetworkReady": ("True", "SubnetsFound"),
        "RolesReady": ("True", "RolesFound"),
        "SchedulerReady": ("True", "SchedulerRunning"),
        "SchedulerReachable": ("True", "SchedulerAnswers"),
        "WorkersReady": ("True", "AllJoined"),
        "UpToDate": ("True", "AllUpdated"),
    }
    assert {one["observedGeneration"] for one in running.status["conditions"]} == {1}


def test_the_three_conditions_of_kstatus_are_there_from_the_first_patch_on(tenant: Tenant) -> None:
    tenant.wait_until_ready(tenant.apply(manifest(replicas=0)))
    api = client.CustomObjectsApi(config.new_client_from_config(str(tenant.kubeconfig)))
    # Resource versions of the API server are one sequence: from the namespace's own on, every change is told again,
    # if it is no more than a minute old.
    namespace = json.loads(tenant.kubectl("get", "namespace", tenant.namespace, "-ojson"))
    seen = watch.Watch().stream(
        api.list_namespaced_custom_object,
        GROUP,
        VERSION,
        tenant.namespace,
        PLURAL,
        resource_version=namespace["metadata"]["resourceVersion"],
        timeout_seconds=5,
    )
    statuses = [event["object"]["status"] for event in seen if event["object"].get("status")]
    assert len(statuses) > 2
    for status in statuses:
        assert {"Ready", "Reconciling", "Stalled"} <= {one["type"] for one in status["conditions"]}
    readiness = [status["conditions"][0]["status"] for status in statuses]
    assert readiness[0] == "False"
    assert readiness[-1] == "True"


def test_the_status_says_where_everything_is(running: RunningCluster) -> None:
    status, account = running.status, running.account
    scheduler = account.tasks(running.ecs_cluster, role="scheduler")[0]
    details = {detail["name"]: detail["value"] for detail in scheduler["attachments"][0]["details"]}
    address = details["privateIPv4Address"]
    assert status["phase"] == "Running"
    assert status["observedGeneration"] == 1
    assert status["schedulerTaskArn"] == scheduler["taskArn"]
    assert status["schedulerAddress"] == f"tls://{address}:8786"
    assert status["dashboardLink"] == f"http://{address}:8787/status"
    assert status["workers"] == {"desired": 2, "pending": 0, "running": 2, "updated": 2, "summary": "2/2"}
    assert status["replicas"] == 2
    assert status["selector"].startswith("ecs.dask.org/uid=")
    assert status["launches"] == []
    assert (status["accountId"], status["region"]) == ("123456789012", "eu-west-1")
    assert status["logGroup"] == "dask-ecs"
    assert status["network"]["subnets"] == sorted(status["network"]["subnets"])
    assert status["network"]["assignPublicIp"] is True


def test_kubectl_get_shows_it_in_columns(running: RunningCluster) -> None:
    header, line = running.tenant.kubectl("get", "dkc", "demo").splitlines()
    assert header.split() == ["NAME", "STATUS", "WORKERS", "LAUNCH", "TYPE", "ADDRESS", "AGE"]
    assert line.split()[:-1] == ["demo", "Running", "2/2", "FARGATE", running.status["schedulerAddress"]]
    header, line = running.tenant.kubectl("get", "dkc", "demo", "-owide").splitlines()
    assert {"IMAGE", "DASHBOARD"} <= set(header.split())
    assert running.status["dashboardLink"] in line
    assert running.status["image"] in line


def test_the_events_tell_what_happened_in_words(running: RunningCluster) -> None:
    events = [(event["reason"], event["message"]) for event in running.tenant.events("demo")]
    address = re.escape(running.status["schedulerAddress"])
    assert ("Launching", "Run scheduler") in events
    assert ("Launching", "Run 2 workers") in events
    assert any(
        reason == "Ready" and re.fullmatch(f"Running with 2 workers at {address}", said) for reason, said in events
    )
    assert {event["type"] for event in running.tenant.events("demo")} == {"Normal"}


def test_describe_shows_the_events(running: RunningCluster) -> None:
    assert "Run scheduler" in running.tenant.kubectl("describe", "dkc", "demo")
