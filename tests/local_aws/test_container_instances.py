"""EC2 instances that join a cluster, and where tasks go on them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from .account import Account


def launch(account: Account, cluster: str, instance_type: str, count: int = 1) -> list[str]:
    """Run EC2 instances as the ECS-optimized AMI has them, and wait until they have joined."""
    before = len(account.ecs.list_container_instances(cluster=cluster)["containerInstanceArns"])
    instances = account.ec2.run_instances(
        ImageId="ami-12c6146b",
        InstanceType=instance_type,  # type: ignore[arg-type]
        MinCount=count,
        MaxCount=count,
        SubnetId=account.public_subnets[0],
        UserData=f"#!/bin/bash\necho ECS_CLUSTER={cluster} >> /etc/ecs/ecs.config\n",
    )["Instances"]
    account.wait(
        lambda: len(account.ecs.list_container_instances(cluster=cluster)["containerInstanceArns"]) == before + count
    )
    return [instance["InstanceId"] for instance in instances]


def instances(account: Account, cluster: str) -> list[dict[str, Any]]:
    arns = account.ecs.list_container_instances(cluster=cluster)["containerInstanceArns"]
    described = account.ecs.describe_container_instances(cluster=cluster, containerInstances=arns)
    return [dict(each) for each in described["containerInstances"]]


def amounts(resources: list[dict[str, Any]]) -> dict[str, Any]:
    return {each["name"]: each.get("stringSetValue") or each["integerValue"] for each in resources}


def on_ec2(account: Account, cluster: str, definition: str, **parameters: Any) -> dict[str, Any]:
    network = account.network(assignPublicIp="DISABLED")
    request = account.request(cluster, definition, launchType="EC2", networkConfiguration=network, **parameters)
    return dict(account.ecs.run_task(**request))


def ec2_definition(account: Account, *, gpus: int = 0, cpu: int = 256, memory: int = 512, **parameters: Any) -> str:
    gpu = {"resourceRequirements": [{"type": "GPU", "value": str(gpus)}]} if gpus else {}
    return account.definition(
        parameters.pop("shell", "sleep 60"), fargate=False, cpu=cpu, memory=memory, **gpu, **parameters
    )


@pytest.mark.parametrize(
    ("instance_type", "vcpus", "gibibytes", "gpus", "architecture"),
    [
        ("m6i.xlarge", 4, 16, 0, "x86_64"),
        ("c6i.2xlarge", 8, 16, 0, "x86_64"),
        ("m7g.large", 2, 8, 0, "arm64"),
        ("g4dn.12xlarge", 48, 192, 4, "x86_64"),
        ("p3.2xlarge", 8, 61, 1, "x86_64"),
        ("p4d.24xlarge", 96, 1152, 8, "x86_64"),
    ],
)
def test_an_instance_registers_what_its_type_has(
    account: Account, instance_type: str, vcpus: int, gibibytes: int, gpus: int, architecture: str
) -> None:
    cluster = account.cluster()
    identifier = launch(account, cluster, instance_type)[0]
    instance = instances(account, cluster)[0]
    registered = amounts(instance["registeredResources"])
    assert instance["ec2InstanceId"] == identifier
    assert registered["CPU"] == vcpus * 1024
    assert 0.9 * gibibytes * 1024 < registered["MEMORY"] < gibibytes * 1024
    assert len(registered.get("GPU", [])) == gpus
    attributes = {each["name"]: each.get("value") for each in instance["attributes"]}
    assert attributes["ecs.cpu-architecture"] == architecture
    assert attributes["ecs.instance-type"] == instance_type


def test_without_instances_nothing_runs_on_ec2(account: Account) -> None:
    with pytest.raises(ClientError, match=r"No Container Instances were found in your cluster\.") as raised:
        on_ec2(account, account.cluster(), ec2_definition(account))
    assert raised.value.response["Error"]["Code"] == "InvalidParameterException"


def test_a_task_takes_its_resources_and_gives_them_back(account: Account) -> None:
    cluster = account.cluster()
    launch(account, cluster, "m6i.large")
    answer = on_ec2(account, cluster, ec2_definition(account, cpu=1024, memory=1024))
    task = answer["tasks"][0]
    instance = instances(account, cluster)[0]
    assert task["containerInstanceArn"] == instance["containerInstanceArn"]
    assert (task["launchType"], "platformVersion" in task) == ("EC2", False)
    left, all_of_it = amounts(instance["remainingResources"]), amounts(instance["registeredResources"])
    assert (all_of_it["CPU"] - left["CPU"], all_of_it["MEMORY"] - left["MEMORY"]) == (1024, 1024)
    account.until(cluster, task["taskArn"], "RUNNING")
    assert instances(account, cluster)[0]["runningTasksCount"] == 1
    account.ecs.stop_task(cluster=cluster, task=task["taskArn"])
    account.until(cluster, task["taskArn"], "STOPPED")
    assert amounts(instances(account, cluster)[0]["remainingResources"]) == all_of_it


@pytest.mark.parametrize(
    ("definition", "reason"),
    [
        ({"cpu": 4096}, "RESOURCE:CPU"),
        ({"memory": 8192}, "RESOURCE:MEMORY"),
        ({"gpus": 1}, "RESOURCE:GPU"),
        ({"task": {"runtimePlatform": {"cpuArchitecture": "ARM64"}}}, "ATTRIBUTE"),
    ],
)
def test_what_has_no_room_is_a_failure_of_each_instance(
    account: Account, definition: dict[str, Any], reason: str
) -> None:
    cluster = account.cluster()
    launch(account, cluster, "m6i.large")
    answer = on_ec2(account, cluster, ec2_definition(account, **definition))
    arn = instances(account, cluster)[0]["containerInstanceArn"]
    assert answer["tasks"] == []
    assert answer["failures"] == [{"arn": arn, "reason": reason}]


def test_each_gpu_task_has_gpus_of_its_own(account: Account, tmp_path: Any) -> None:
    cluster = account.cluster()
    launch(account, cluster, "g4dn.12xlarge")
    shell = f"echo $CUDA_VISIBLE_DEVICES $NVIDIA_VISIBLE_DEVICES > {tmp_path}/$CUDA_VISIBLE_DEVICES; sleep 60"
    definition = ec2_definition(account, gpus=2, shell=shell)
    tasks = on_ec2(account, cluster, definition, count=2)["tasks"]
    ids = [task["containers"][0]["gpuIds"] for task in tasks]
    assert sorted(ids[0] + ids[1]) == sorted(amounts(instances(account, cluster)[0]["registeredResources"])["GPU"])
    account.wait(lambda: len(list(tmp_path.iterdir())) == 2)
    account.wait(lambda: all(each.read_text().endswith("\n") for each in tmp_path.iterdir()))
    written = {each.read_text().strip() for each in tmp_path.iterdir()}
    assert written == {f"0,1 {','.join(ids[0])}", f"2,3 {','.join(ids[1])}"}
    assert on_ec2(account, cluster, definition)["failures"][0]["reason"] == "RESOURCE:GPU"


def test_a_task_without_gpu_spares_the_instance_that_has_one(account: Account) -> None:
    cluster = account.cluster()
    launch(account, cluster, "g4dn.xlarge")
    plain = launch(account, cluster, "m6i.large")[0]
    arn = on_ec2(account, cluster, ec2_definition(account))["tasks"][0]["containerInstanceArn"]
    chosen = next(each for each in instances(account, cluster) if each["containerInstanceArn"] == arn)
    assert chosen["ec2InstanceId"] == plain


def test_a_placement_constraint_is_honoured(account: Account) -> None:
    cluster = account.cluster()
    launch(account, cluster, "m6i.large")
    definition = ec2_definition(account)
    types = {"g4dn.*": "MemberOf placement constraint unsatisfied.", "m6i.*": None}
    for pattern, reason in types.items():
        expression = f"attribute:ecs.instance-type =~ {pattern}"
        answer = on_ec2(
            account, cluster, definition, placementConstraints=[{"type": "memberOf", "expression": expression}]
        )
        assert [failure["reason"] for failure in answer["failures"]] == ([reason] if reason else [])


def test_ec2_tasks_pull_by_their_instance(account: Account) -> None:
    cluster = account.cluster()
    launch(account, cluster, "m6i.large")
    task = on_ec2(account, cluster, ec2_definition(account))["tasks"][0]
    account.until(cluster, task["taskArn"], "RUNNING")


def test_a_terminated_instance_leaves_and_its_tasks_end(account: Account) -> None:
    cluster = account.cluster()
    identifier = launch(account, cluster, "m6i.large")[0]
    arn = on_ec2(account, cluster, ec2_definition(account))["tasks"][0]["taskArn"]
    account.until(cluster, arn, "RUNNING")
    with pytest.raises(account.ecs.exceptions.ClusterContainsContainerInstancesException):
        account.ecs.delete_cluster(cluster=cluster)
    account.ec2.terminate_instances(InstanceIds=[identifier])
    assert account.ecs.list_container_instances(cluster=cluster)["containerInstanceArns"] == []
    task = account.until(cluster, arn, "STOPPED")
    assert task["stoppedReason"] == f"Host EC2 (instance {identifier}) terminated."
    account.ecs.delete_cluster(cluster=cluster)


def test_a_draining_instance_takes_no_more_tasks(account: Account) -> None:
    cluster = account.cluster()
    launch(account, cluster, "m6i.large")
    definition = ec2_definition(account)
    running = on_ec2(account, cluster, definition)["tasks"][0]["taskArn"]
    account.until(cluster, running, "RUNNING")
    arn = instances(account, cluster)[0]["containerInstanceArn"]
    account.ecs.update_container_instances_state(cluster=cluster, containerInstances=[arn], status="DRAINING")
    assert on_ec2(account, cluster, definition)["tasks"] == []
    assert account.describe(cluster, running)["lastStatus"] == "RUNNING"
    assert account.ecs.list_tasks(cluster=cluster, containerInstance=arn)["taskArns"] == [running]


def test_an_agent_can_register_and_deregister_by_itself(account: Account) -> None:
    cluster = account.cluster()
    document = json.dumps({"instanceId": "i-0123456789abcdef0", "instanceType": "g5.xlarge"})
    arn = account.ecs.register_container_instance(cluster=cluster, instanceIdentityDocument=document)[
        "containerInstance"
    ]["containerInstanceArn"]
    assert account.ecs.list_container_instances(cluster=cluster)["containerInstanceArns"] == [arn]
    account.ecs.deregister_container_instance(cluster=cluster, containerInstance=arn)
    assert account.ecs.list_container_instances(cluster=cluster)["containerInstanceArns"] == []


def test_a_bridge_task_has_no_interface_of_its_own(account: Account) -> None:
    cluster = account.cluster()
    launch(account, cluster, "m6i.large")
    definition = ec2_definition(account, task={"networkMode": "bridge"})
    task = account.ecs.run_task(cluster=cluster, taskDefinition=definition, launchType="EC2")["tasks"][0]
    assert task["attachments"] == []
    assert account.until(cluster, task["taskArn"], "RUNNING")["containers"][0]["networkInterfaces"] == []
