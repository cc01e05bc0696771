import pytest

from dask_ecs.api.daskcluster import DaskCluster, InvalidDaskClusterError
from dask_ecs.api.spec import DaskClusterSpec, Worker

METADATA = {"name": "demo", "namespace": "team-a", "uid": "1", "generation": 3}


def test_an_object_is_read_as_the_api_server_sends_it() -> None:
    cluster = DaskCluster.read(
        {
            "apiVersion": "ecs.dask.org/v1alpha1",
            "kind": "DaskCluster",
            "metadata": {**METADATA, "deletionTimestamp": "2026-01-31T12:00:00Z", "managedFields": []},
            "spec": {"launchType": "FARGATE", "scheduler": {"dashboardPort": 9000, "extraArgs": ["--no-show"]}},
            "status": {"schedulerAddress": "tcp://10.0.1.7:8786", "workers": {"running": 3, "summary": "3/4"}},
        }
    )

    assert cluster.metadata.deletion_timestamp == "2026-01-31T12:00:00Z"
    assert cluster.spec.scheduler.dashboard_port == 9000
    assert cluster.spec.scheduler.extra_args == ("--no-show",)
    assert cluster.status.scheduler_address == "tcp://10.0.1.7:8786"
    assert cluster.status.workers.running == 3


def test_a_field_of_a_newer_crd_is_ignored() -> None:
    cluster = DaskCluster.read({"metadata": METADATA, "spec": {"sleepiness": True}})

    assert cluster.spec == DaskClusterSpec()


def test_all_that_is_wrong_is_told_at_once() -> None:
    spec = {"worker": {"cpu": "4 vCPU"}, "network": {"subnets": ["a"]}, "scheduler": {"port": 8787}}

    with pytest.raises(InvalidDaskClusterError) as refusal:
        DaskCluster.read({"metadata": METADATA, "spec": spec})

    assert [problem.split(":")[0] for problem in refusal.value.problems] == [
        "spec.scheduler.dashboardPort",
        "spec.worker.cpu",
        "spec.network.subnets[0]",
    ]


def test_a_quantity_keeps_its_text_and_gives_its_numbers() -> None:
    worker = Worker(cpu="500m", memory="2Gi")

    assert (worker.cpu, worker.memory) == ("500m", "2Gi")
    assert (worker.cpu_units, worker.memory_mib) == (512, 2048)


@pytest.mark.parametrize(
    ("worker", "threads"),
    [
        (Worker(), 4),
        (Worker(cpu="500m"), 1),
        (Worker(cpu="2500m"), 2),
        (Worker(cpu="8", threads=3), 3),
    ],
)
def test_a_worker_has_a_thread_for_each_whole_vcpu_unless_told_otherwise(worker: Worker, threads: int) -> None:
    assert worker.thread_count == threads


def test_a_spec_does_not_change_once_it_is_read() -> None:
    with pytest.raises(ValueError, match="frozen"):
        DaskClusterSpec().worker.replicas = 3  # type: ignore[misc]


def test_of_a_broken_object_everything_is_read_that_breaks_no_rule() -> None:
    spec = {
        "clusterArn": "arn:aws:ecs:eu-west-1:123456789012:cluster/research",
        "launchType": "LAMBDA",
        "worker": {"replicas": 3, "cpu": "many", "sidecars": [{"image": "agent"}]},
        "tags": {"aws:mine": "no", "team": "a"},
    }
    body = {"metadata": {"name": "a", "namespace": "b", "uid": "u"}, "spec": spec}
    with pytest.raises(InvalidDaskClusterError):
        DaskCluster.read(body)
    read = DaskCluster.read_what_is_valid(body).spec
    assert (read.cluster_arn, read.worker.replicas) == (spec["clusterArn"], 3)
    assert (read.launch_type, read.worker.sidecars) == ("FARGATE", ())
    assert body["spec"] == spec
