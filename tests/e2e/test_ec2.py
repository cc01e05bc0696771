"""launchType EC2: on the instances of an ECS cluster that is there already, with GPUs or without."""

import os
from pathlib import Path
from typing import Any

import yaml

from .aws_account import AwsAccount
from .computation import compute_on
from .connecting import connect
from .container_instances import add_instance, make_ecs_cluster
from .kstatus import kstatus, retry_at
from .tenant import Body, Tenant, manifest

_EXAMPLE = Path(__file__).parents[2] / "examples" / "ec2-gpu.yaml"
_GPU_WORKER = {"cpu": 1, "memory": "2Gi", "gpu": 1}


def ec2_manifest(ecs_cluster: str, *, replicas: int = 1, **spec: Any) -> Body:
    return manifest(replicas=replicas, launchType="EC2", clusterArn=ecs_cluster, **spec)


def visible_devices(tenant: Tenant, name: str) -> dict[str, str]:
    """Return what each worker process of a cluster sees of the GPUs, by the process's address."""
    with connect(tenant, name) as client:
        return dict(client.run(os.getenv, "CUDA_VISIBLE_DEVICES"))


def test_a_cluster_on_instances_computes_and_leaves_them_as_they_were(tenant: Tenant, account: AwsAccount) -> None:
    ecs_cluster = make_ecs_cluster(account, tenant.namespace, "m6i.xlarge")
    name = tenant.apply(ec2_manifest(ecs_cluster))
    status = tenant.wait_until_ready(name)
    assert status["clusterArn"] == ecs_cluster
    assert "assignPublicIp" not in status["network"]
    compute_on(tenant, name)
    requests = [call["parameters"] for call in account.aws.call_log("ecs:RunTask")]
    ours = [request for request in requests if request["cluster"] == ecs_cluster]
    assert {request["launchType"] for request in ours} == {"EC2"}
    assert not any("assignPublicIp" in request["networkConfiguration"]["awsvpcConfiguration"] for request in ours)
    tasks = account.live_tasks(ecs_cluster)
    assert {task["containers"][0]["name"] for task in tasks} == {"scheduler", "worker"}
    assert {task["launchType"] for task in tasks} == {"EC2"}
    assert all(task["containerInstanceArn"] for task in tasks)

    uid = (tenant.get(name) or {})["metadata"]["uid"]
    tenant.delete(name)
    tenant.wait_until_gone(name)
    assert account.leftovers(uid, namespace=tenant.namespace) == []
    (given,) = account.ecs.describe_clusters(clusters=[ecs_cluster], include=["TAGS"])["clusters"]
    assert given["status"] == "ACTIVE"
    assert given["tags"] == [{"key": "owner", "value": "platform"}]
    assert given["registeredContainerInstancesCount"] == 1


def test_a_gpu_worker_gets_its_gpu_and_runs_dask_cuda_worker(tenant: Tenant, account: AwsAccount) -> None:
    ecs_cluster = make_ecs_cluster(account, tenant.namespace, "g4dn.xlarge")
    name = tenant.apply(ec2_manifest(ecs_cluster, worker=_GPU_WORKER))
    status = tenant.wait_until_ready(name)
    assert status["image"] == "rapidsai/rapidsai:latest"
    assert list(visible_devices(tenant, name).values()) == ["0"]
    definition = account.ecs.describe_task_definition(taskDefinition=status["taskDefinitions"]["worker"])
    (container,) = definition["taskDefinition"]["containerDefinitions"]
    assert container["resourceRequirements"] == [{"type": "GPU", "value": "1"}]
    (worker,) = account.live_tasks(ecs_cluster, role="worker")
    assert worker["overrides"]["containerOverrides"][0]["command"][0] == "dask-cuda-worker"
    assert len(worker["containers"][0]["gpuIds"]) == 1
    scheduler = account.ecs.describe_task_definition(taskDefinition=status["taskDefinitions"]["scheduler"])
    assert not scheduler["taskDefinition"]["containerDefinitions"][0].get("resourceRequirements")


def test_workers_with_two_gpus_each_are_retired_by_whole_tasks(tenant: Tenant, account: AwsAccount) -> None:
    ecs_cluster = make_ecs_cluster(account, tenant.namespace, "g4dn.12xlarge")
    name = tenant.apply(ec2_manifest(ecs_cluster, replicas=2, worker={**_GPU_WORKER, "gpu": 2}))
    status = tenant.wait_until_ready(name, workers=2)
    tenant.wait_for(name, lambda _: len(visible_devices(tenant, name)) == 4)
    tenant.scale(name, 1)
    tenant.wait_until_ready(name, workers=1)
    (left,) = account.live_tasks(ecs_cluster, role="worker")
    details = {detail["name"]: detail["value"] for detail in left["attachments"][0]["details"]}
    seen = visible_devices(tenant, name)
    assert len(seen) == 2
    assert all(f"//{details['privateIPv4Address']}:" in address for address in seen)
    assert tenant.status(name)["schedulerTaskArn"] == status["schedulerTaskArn"]


def test_the_example_runs_as_it_is_on_an_ecs_cluster_that_fits_it(tenant: Tenant, account: AwsAccount) -> None:
    make_ecs_cluster(account, "research", "g4dn.xlarge")
    name = tenant.apply(yaml.safe_load(_EXAMPLE.read_text()))
    status = tenant.wait_until_ready(name)
    assert status["clusterArn"].endswith(":cluster/research")
    compute_on(tenant, name)


def test_without_free_gpus_the_workers_wait_for_an_instance_and_the_scheduler_runs(
    tenant: Tenant, account: AwsAccount
) -> None:
    ecs_cluster = make_ecs_cluster(account, tenant.namespace, "m6i.xlarge")
    name = tenant.apply(ec2_manifest(ecs_cluster, worker=_GPU_WORKER))
    condition = tenant.wait_for_condition(name, "WorkersReady", "False", reason="NoGPUs")
    assert "RESOURCE:GPU" in condition["message"]
    assert "add GPU instances" in condition["message"]
    assert retry_at(condition)
    status = tenant.wait_for(name, lambda status: status.get("schedulerAddress"))
    assert kstatus(tenant.get(name)) == "InProgress"
    add_instance(account, tenant.namespace, "g4dn.xlarge")
    assert tenant.wait_until_ready(name)["schedulerTaskArn"] == status["schedulerTaskArn"]


def test_an_ecs_cluster_without_instances_is_named(tenant: Tenant, account: AwsAccount) -> None:
    ecs_cluster = make_ecs_cluster(account, tenant.namespace)
    name = tenant.apply(ec2_manifest(ecs_cluster))
    condition = tenant.wait_for_condition(name, "SchedulerReady", "False", reason="NoContainerInstances")
    assert "No Container Instances were found in your cluster" in condition["message"]
    assert "add some, or make a DaskCluster with launchType: FARGATE" in condition["message"]
    assert kstatus(tenant.get(name)) == "Failed"
    add_instance(account, tenant.namespace, "m6i.xlarge")
    tenant.wait_until_ready(name)


def test_arm_tasks_do_not_go_to_x86_instances_and_the_message_says_why(tenant: Tenant, account: AwsAccount) -> None:
    ecs_cluster = make_ecs_cluster(account, tenant.namespace, "m6i.xlarge")
    name = tenant.apply(ec2_manifest(ecs_cluster, cpuArchitecture="ARM64"))
    condition = tenant.wait_for_condition(name, "SchedulerReady", "False", reason="NoFittingInstances")
    assert "ATTRIBUTE" in condition["message"]
    assert "spec.cpuArchitecture" in condition["message"]
    assert kstatus(tenant.get(name)) == "Failed"
    add_instance(account, tenant.namespace, "m7g.large")
    tenant.scale(name, 0)
    tenant.wait_until_ready(name)
