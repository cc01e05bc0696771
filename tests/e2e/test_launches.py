"""How tasks are launched: what AWS was asked, and what it made of that."""

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from .aws_account import AwsAccount
from .computation import compute_on
from .connecting import connect
from .container_instances import add_instance, make_ecs_cluster
from .tenant import Tenant, manifest

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import TaskTypeDef


def subnet_of(task: "TaskTypeDef") -> str:
    details = task["attachments"][0]["details"]
    return next(detail["value"] for detail in details if detail["name"] == "subnetId")


def names_in(tenant: Tenant, name: str) -> set[object]:
    """Return what a scheduler calls its workers."""
    with connect(tenant, name) as client:
        return {worker["name"] for worker in client.scheduler_info(n_workers=-1)["workers"].values()}


def providers_of(tasks: "Iterable[TaskTypeDef]") -> Counter[str | None]:
    return Counter(task.get("capacityProviderName") for task in tasks)


def test_each_role_is_run_as_it_asks(tenant: Tenant, account: AwsAccount) -> None:
    vpc = account.ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    subnets = account.ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    first, second, *_ = (subnet["SubnetId"] for subnet in subnets)
    group = account.ec2.create_security_group(GroupName=tenant.namespace, Description="workers", VpcId=vpc)["GroupId"]
    worker = {
        "subnets": [second],
        "securityGroups": [group],
        "naming": {"start": 10, "step": 5},
        "threads": 3,
        "extraArgs": ["--resources", "licence=1"],
        "environment": [{"name": "SHAPE", "value": "round"}],
        "capacityProviderStrategy": [
            {"capacityProvider": "FARGATE", "base": 1},
            {"capacityProvider": "FARGATE_SPOT", "weight": 1},
        ],
        "runTaskOverrides": {
            "group": "nightly",
            "tags": [{"key": "cost", "value": "1"}, {"key": "ecs.dask.org/name", "value": "another"}],
            "overrides": {
                "ephemeralStorage": {"sizeInGiB": 30},
                "containerOverrides": [{"name": "worker", "environment": [{"name": "COLOUR", "value": "blue"}]}],
            },
        },
    }
    body = manifest(
        replicas=3,
        worker=worker,
        tags={"team": "a"},
        propagateTags="TASK_DEFINITION",
        enableECSManagedTags=True,
        enableExecuteCommand=True,
        platformVersion="1.4.0",
    )
    scheduler_asks = {
        "launchType": "FARGATE",
        "subnets": [first],
        "port": 9786,
        "dashboardPort": 9787,
        "runTaskOverrides": {"group": "leaders", "tags": [{"key": "who", "value": "head"}]},
    }
    body["spec"]["scheduler"] = {**body["spec"]["scheduler"], **scheduler_asks}
    name = tenant.apply(body)
    status = tenant.wait_until_ready(name, workers=3)
    cluster = status["clusterArn"]

    (scheduler,) = account.live_tasks(cluster, role="scheduler")
    workers = account.live_tasks(cluster, role="worker")
    assert subnet_of(scheduler) == first
    assert {subnet_of(task) for task in workers} == {second}
    assert status["network"]["subnets"] == [first]
    assert status["network"]["worker"]["subnets"] == [second]
    calls = [call["parameters"] for call in account.aws.call_log("ecs:RunTask")]
    asked = [call for call in calls if call["cluster"] == cluster and call.get("group") == "nightly"]
    assert {tuple(call["networkConfiguration"]["awsvpcConfiguration"]["securityGroups"]) for call in asked} == {
        (group,)
    }
    assert [call["count"] for call in asked] == [1, 1, 1]
    assert providers_of(workers) == {"FARGATE": 1, "FARGATE_SPOT": 2}
    assert (scheduler["launchType"], scheduler.get("capacityProviderName")) == ("FARGATE", None)
    assert {(task["group"], task["ephemeralStorage"]["sizeInGiB"]) for task in workers} == {("nightly", 30)}
    assert all(task["enableExecuteCommand"] for task in (scheduler, *workers))
    ours = [call for call in calls if call["cluster"] == cluster]
    assert {call["platformVersion"] for call in ours} == {"1.4.0"}
    assert status["schedulerAddress"].endswith(":9786")
    assert status["dashboardLink"].endswith(":9787/status")
    (override,) = scheduler["overrides"]["containerOverrides"]
    ports = ["--port", "9786", "--dashboard-address", ":9787"]
    assert [word for word in override["command"] if word in ports] == ports
    assert scheduler["group"] == "leaders"
    assert {"key": "who", "value": "head"} in scheduler["tags"]
    (made,) = account.ec2.describe_security_groups(GroupIds=[status["securityGroupId"]])["SecurityGroups"]
    opened = {permission["FromPort"] for permission in made["IpPermissions"] if permission["IpRanges"]}
    assert opened == {9786, 9787}
    whom = {pair["GroupId"] for permission in made["IpPermissions"] for pair in permission["UserIdGroupPairs"]}
    assert whom == {status["securityGroupId"], group}, "workers in a group of their own and the scheduler connect"
    for task in workers:
        tags = {tag["key"]: tag["value"] for tag in task["tags"]}
        expected = {"team": "a", "cost": "1", "ecs.dask.org/name": name, "aws:ecs:clusterName": cluster.split("/")[-1]}
        assert tags.items() >= expected.items()
    role = status["roles"]["task"].rsplit("/", 1)[-1]
    policy = account.iam.get_role_policy(RoleName=role, PolicyName="dask-ecs")["PolicyDocument"]
    assert "ssmmessages:OpenDataChannel" in str(policy)
    assert names_in(tenant, name) == {10, 15, 20}
    with connect(tenant, name) as client:
        seen = client.scheduler_info(n_workers=-1)["workers"].values()
        assert [(worker["nthreads"], worker["resources"]) for worker in seen] == [(3, {"licence": 1.0})] * 3
        found = client.run(lambda: (os.getenv("SHAPE"), os.getenv("COLOUR")))
        assert set(found.values()) == {("round", "blue")}

    by_name = {task["overrides"]["containerOverrides"][0]["command"][-1]: task for task in workers}
    account.ecs.stop_task(cluster=cluster, task=by_name["15"]["taskArn"])
    tenant.wait_for(
        name,
        lambda _: (
            {task["taskArn"] for task in account.live_tasks(cluster, role="worker")}
            - {task["taskArn"] for task in workers}
        ),
    )
    tenant.wait_until_ready(name, workers=3)
    assert names_in(tenant, name) == {10, 15, 20}
    assert providers_of(account.live_tasks(cluster, role="worker")) == {"FARGATE": 1, "FARGATE_SPOT": 2}
    compute_on(tenant, name)


def test_a_scheduler_on_fargate_has_workers_on_the_instances_that_they_name(
    tenant: Tenant, account: AwsAccount
) -> None:
    ecs_cluster = make_ecs_cluster(account, tenant.namespace, "m6i.large", "m6i.xlarge")
    add_instance(account, tenant.namespace, "m6i.xlarge")
    worker = {
        "launchType": "EC2",
        "placementConstraints": [{"type": "memberOf", "expression": "attribute:ecs.instance-type == m6i.xlarge"}],
        "placementStrategy": [{"type": "spread", "field": "instanceId"}],
    }
    name = tenant.apply(manifest(replicas=2, clusterArn=ecs_cluster, worker=worker))
    status = tenant.wait_until_ready(name, workers=2)
    (scheduler,) = account.live_tasks(ecs_cluster, role="scheduler")
    workers = account.live_tasks(ecs_cluster, role="worker")
    assert scheduler["launchType"] == "FARGATE"
    assert {task["launchType"] for task in workers} == {"EC2"}
    arns = [task["containerInstanceArn"] for task in workers]
    assert len(set(arns)) == 2
    described = account.ecs.describe_container_instances(cluster=ecs_cluster, containerInstances=arns)
    types = [
        attribute["value"]
        for instance in described["containerInstances"]
        for attribute in instance["attributes"]
        if attribute["name"] == "ecs.instance-type"
    ]
    assert types == ["m6i.xlarge", "m6i.xlarge"]
    assert status["network"]["assignPublicIp"] is True
    assert "assignPublicIp" not in status["network"]["worker"]
    compute_on(tenant, name)


def test_a_given_ecs_cluster_without_the_provider_is_named_and_not_changed(tenant: Tenant, account: AwsAccount) -> None:
    ecs_cluster = make_ecs_cluster(account, tenant.namespace)
    name = tenant.apply(manifest(replicas=1, clusterArn=ecs_cluster, worker={"spot": True}))
    condition = tenant.wait_for_condition(name, "WorkersReady", "False", reason="CapacityProviderNotFound")
    assert "aws ecs put-cluster-capacity-providers" in condition["message"]
    (given,) = account.ecs.describe_clusters(clusters=[ecs_cluster])["clusters"]
    assert given["capacityProviders"] == []
    account.ecs.put_cluster_capacity_providers(
        cluster=ecs_cluster, capacityProviders=["FARGATE_SPOT"], defaultCapacityProviderStrategy=[]
    )
    tenant.wait_until_ready(name, workers=1)
    assert providers_of(account.live_tasks(ecs_cluster, role="worker")) == {"FARGATE_SPOT": 1}


def test_workers_join_a_scheduler_that_runs_elsewhere_and_leave_it_as_it_was(
    tenant: Tenant, account: AwsAccount, tmp_path: Path
) -> None:
    journal = tmp_path / "computed"

    def noted(number: int) -> int:
        with journal.open("a") as lines:
            lines.write(f"{number}\n")
        return number

    home = tenant.wait_until_ready(tenant.apply(manifest("home", replicas=1)))
    address = home["schedulerAddress"]
    guests = manifest("guests", replicas=2)
    guests["spec"]["scheduler"] = {"address": address}
    tenant.apply(guests)
    status = tenant.wait_until_ready("guests", workers=2)
    uid = (tenant.get("guests") or {})["metadata"]["uid"]
    assert status["schedulerAddress"] == address
    assert "schedulerTaskArn" not in status
    assert len(account.tasks(home["clusterArn"], uid=uid)) == 2
    with connect(tenant, "home") as client:
        client.wait_for_workers(3, timeout=60)
        futures = client.map(noted, range(30), pure=False)
        assert client.gather(client.submit(sum, futures)) == sum(range(30))
        assert len({worker for workers in client.who_has(futures).values() for worker in workers}) == 3
        tenant.delete("guests")
        tenant.wait_until_gone("guests", uid=uid)
        assert client.gather(futures) == list(range(30))
        assert len(client.scheduler_info(n_workers=-1)["workers"]) == 1
    assert sorted(map(int, journal.read_text().split())) == list(range(30)), "what the guests held was computed again"
    assert tenant.status("home")["schedulerTaskArn"] == home["schedulerTaskArn"]
    assert [task["desiredStatus"] for task in account.tasks(home["clusterArn"], uid=uid)] == ["STOPPED", "STOPPED"]
    names = {group["GroupName"] for group in account.ec2.describe_security_groups()["SecurityGroups"]}
    assert not any(found.endswith("-workers") and tenant.namespace in found for found in names)
