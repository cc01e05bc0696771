"""launchType EC2 without an ECS cluster: the operator brings the machines while there are tasks for them.

Tasks are simulated: what counts here is on which machines they are.
"""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from dask_ecs.local.aws.handle import LocalAWS
from dask_ecs.local.controlplane.run import ControlPlane
from dask_ecs.local.stack import Stack, apply_crds

from .aws_account import AwsAccount
from .brought_instances import BroughtInstances
from .conftest import QUICK, namespace
from .kstatus import kstatus
from .operator_under_its_policy import operator_under_its_policy
from .tenant import Body, Tenant, manifest
from .waiting import until

_TASK = {"cpu": 1, "memory": "3Gi"}
_NAMESPACE = "capacity"
_AMI = "ami-12c6146b"  # one that the local AWS has


@pytest.fixture(scope="module")
def stack_of_instances(control_plane: ControlPlane) -> Iterator[Stack]:
    apply_crds(control_plane.kubeconfig)
    delays = {**QUICK, "instance_registration": 0.5, "scale_out": 0.1, "scale_in": 1.0}
    with LocalAWS.start(executor="sim", delays=delays) as aws:
        yield Stack(kubeconfig=control_plane.kubeconfig, aws=aws, control_plane=control_plane)


@pytest.fixture(scope="module")
def owner(stack_of_instances: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    """A namespace with an operator that admits what its owner admits to instances."""
    log = tmp_path_factory.mktemp("operator") / "log"
    with namespace(stack_of_instances.kubeconfig, name=_NAMESPACE) as name:
        options = ["--namespace", name, "--install", "instances", "--allow-user-data"]
        with operator_under_its_policy(*options, stack=stack_of_instances, log=log) as operator:
            yield Tenant(stack_of_instances.kubeconfig, name, operator)


@pytest.fixture
def sim_account(stack_of_instances: Stack) -> AwsAccount:
    return AwsAccount(stack_of_instances.aws)


@pytest.fixture
def brought(sim_account: AwsAccount) -> BroughtInstances:
    return BroughtInstances(sim_account)


def on_instances(name: str, *, replicas: int = 1, worker: dict[str, Any] | None = None, **capacity: Any) -> Body:
    return manifest(
        name,
        launchType="EC2",
        scheduler=_TASK,
        worker={**_TASK, "replicas": replicas, **(worker or {})},
        tags={"team": "research"},
        capacity=capacity,
    )


def delete_and_find_nothing(tenant: Tenant, name: str, account: AwsAccount, brought: BroughtInstances) -> None:
    uid = (tenant.get(name) or {})["metadata"]["uid"]
    tenant.delete(name)
    tenant.wait_until_gone(name)
    assert brought.everything() == []
    assert account.leftovers(uid, namespace=tenant.namespace) == []


def test_machines_come_for_tasks_and_go_with_them_and_nothing_of_them_is_left(
    owner: Tenant, sim_account: AwsAccount, brought: BroughtInstances
) -> None:
    name = owner.apply(
        on_instances(
            "spot",
            replicas=2,
            instanceTypes=["m6i.large", "m6i.xlarge"],
            spot=True,
            onDemandPercentage=50,
            maximum=3,
            filesystemSize="60Gi",
            keyName="support",
            userData="#!/bin/sh\necho hello\n",
            availabilityZones=["eu-west-1b"],
            volumeTags={"backup": "no"},
            monitoring=True,
        )
    )
    waiting = owner.wait_for(name, lambda status: status.get("capacityProviders", {}).get("worker"))
    status = owner.wait_until_ready(name, workers=2)
    assert not [event for event in owner.events(name) if event["type"] == "Warning"]
    providers = waiting["capacityProviders"]
    assert providers["scheduler"] != providers["worker"]
    tasks = sim_account.live_tasks(status["clusterArn"])
    assert {task["containers"][0]["name"]: task["capacityProviderName"] for task in tasks} == providers
    group = brought.group(providers["worker"])
    assert (group["MinSize"], group["MaxSize"], group["CapacityRebalance"]) == (0, 3, True)
    assert group["AvailabilityZones"] == ["eu-west-1b"]
    policy = group["MixedInstancesPolicy"]
    assert policy["InstancesDistribution"]["OnDemandPercentageAboveBaseCapacity"] == 50
    assert [each["InstanceType"] for each in policy["LaunchTemplate"]["Overrides"]] == ["m6i.large", "m6i.xlarge"]
    assert brought.lifecycles(providers["scheduler"]) == [None]
    template = brought.template(providers["worker"])
    assert template["MetadataOptions"]["HttpTokens"] == "required"
    assert template["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"] == 60
    assert (template["KeyName"], template["Monitoring"]["Enabled"]) == ("support", True)
    given = {
        each["ResourceType"]: {tag["Key"]: tag["Value"] for tag in each["Tags"]}
        for each in template["TagSpecifications"]
    }
    assert given["instance"]["team"] == "research"
    assert given["volume"].items() >= {"team": "research", "backup": "no"}.items()
    assert "echo hello" in base64.b64decode(template["UserData"]).decode()

    owner.scale(name, 6)
    owner.wait_until_ready(name, workers=6)
    assert brought.group(providers["worker"])["DesiredCapacity"] == 3
    assert sorted(map(str, brought.lifecycles(providers["worker"]))) == ["None", "None", "spot"]

    owner.patch(name, {"capacity": {"filesystemSize": "80Gi", "maximum": 4}})
    until(lambda: brought.group(providers["worker"])["MaxSize"] == 4, shown=lambda: owner.shown(name))
    assert brought.template(providers["worker"])["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"] == 80
    specification = brought.group(providers["worker"])["MixedInstancesPolicy"]["LaunchTemplate"]
    assert specification["LaunchTemplateSpecification"]["Version"] == "2"
    assert owner.wait_until_ready(name, workers=6)["schedulerTaskArn"] == status["schedulerTaskArn"]

    owner.scale(name, 0)
    owner.wait_until_ready(name, workers=0)
    until(lambda: not brought.instances(providers["worker"]), shown=lambda: owner.shown(name))
    assert len(brought.instances(providers["scheduler"])) == 1
    delete_and_find_nothing(owner, name, sim_account, brought)


def test_alike_tasks_share_machines_and_a_minimum_stays_until_the_end(
    owner: Tenant, sim_account: AwsAccount, brought: BroughtInstances
) -> None:
    name = owner.apply(on_instances("alike", instanceTypes=["m6i.large"], minimum=1, maximum=2, ami=_AMI))
    status = owner.wait_until_ready(name, workers=1)
    provider = status["capacityProviders"]["worker"]
    assert status["capacityProviders"] == {"scheduler": provider, "worker": provider}
    assert brought.group(provider)["MinSize"] == 1
    assert brought.template(provider)["ImageId"] == _AMI
    owner.operator.sigkill()
    owner.operator.restart()
    owner.scale(name, 2)
    owner.wait_until_ready(name, workers=2)
    delete_and_find_nothing(owner, name, sim_account, brought)


def test_ecs_manages_machines_with_gpus(owner: Tenant, sim_account: AwsAccount, brought: BroughtInstances) -> None:
    name = owner.apply(on_instances("managed", worker={"gpu": 1}, managedInstances={}))
    status = owner.wait_until_ready(name, workers=1)
    (worker,) = sim_account.live_tasks(status["clusterArn"], role="worker")
    assert worker["launchType"] == "MANAGED_INSTANCES"
    assert len(worker["containers"][0]["gpuIds"]) == 1
    assert brought.groups() == []
    delete_and_find_nothing(owner, name, sim_account, brought)


def test_machines_that_are_too_small_are_told_of_before_anything_is_made(
    owner: Tenant, sim_account: AwsAccount, brought: BroughtInstances
) -> None:
    name = owner.apply(on_instances("small", worker={"memory": "16Gi"}, instanceTypes=["m6i.xlarge"]))
    condition = owner.wait_for_condition(name, "Stalled", reason="InstanceTypeDoesNotFit")
    assert "The largest that fits all of spec.capacity.instanceTypes is cpu: 4, memory: 15468Mi" in condition["message"]
    assert kstatus(owner.get(name)) == "Failed"
    assert brought.everything() == []
    owner.patch(name, {"worker": {"memory": "15Gi"}})
    owner.wait_until_ready(name, workers=1)
    delete_and_find_nothing(owner, name, sim_account, brought)


def test_workers_for_whom_there_is_no_machine_wait_and_that_is_told(
    owner: Tenant, sim_account: AwsAccount, brought: BroughtInstances
) -> None:
    name = owner.apply(on_instances("full", replicas=3, instanceTypes=["m6i.large"], maximum=1))
    owner.wait_for_condition(name, "WorkersReady", "False", reason="WaitingForInstances")
    full = "as many instances as spec.capacity.maximum allows (1), and they are full: raise it"
    until(lambda: full in owner.condition(name, "WorkersReady")["message"], shown=lambda: owner.shown(name))
    owner.patch(name, {"capacity": {"maximum": 2}})
    owner.wait_until_ready(name, workers=3)
    delete_and_find_nothing(owner, name, sim_account, brought)


def test_a_group_that_somebody_deleted_is_made_again_and_an_event_names_it(
    owner: Tenant, sim_account: AwsAccount, brought: BroughtInstances
) -> None:
    name = owner.apply(on_instances("lost", instanceTypes=["m6i.large"]))
    provider = owner.wait_until_ready(name, workers=1)["capacityProviders"]["worker"]
    before = {instance["InstanceId"] for instance in brought.instances(provider)}
    sim_account.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=provider, ForceDelete=True)
    owner.kubectl("annotate", "dkc", name, "ecs.dask.org/reconcile-requested-at=now")

    def told() -> bool:
        mended = [event["message"] for event in owner.events(name) if event["reason"] == "DriftMended"]
        return any(f"Auto Scaling group {provider} was gone" in message for message in mended)

    until(told, shown=lambda: owner.shown(name))
    until(lambda: {each["InstanceId"] for each in brought.instances(provider)} - before)
    owner.wait_until_ready(name, workers=1)
    assert not before & {each["InstanceId"] for each in brought.instances(provider)}
    delete_and_find_nothing(owner, name, sim_account, brought)


def test_a_capacity_provider_that_somebody_took_from_the_cluster_is_put_back_and_an_event_names_it(
    owner: Tenant, sim_account: AwsAccount, brought: BroughtInstances
) -> None:
    name = owner.apply(on_instances("taken", replicas=0, worker={"memory": "4Gi"}, instanceTypes=["m6i.large"]))
    status = owner.wait_until_ready(name, workers=0)
    providers = status["capacityProviders"]
    sim_account.ecs.put_cluster_capacity_providers(
        cluster=status["clusterArn"],
        capacityProviders=[providers["scheduler"]],
        defaultCapacityProviderStrategy=[],
    )
    owner.kubectl("annotate", "dkc", name, "ecs.dask.org/reconcile-requested-at=now")
    taken = f"could not run tasks on {providers['worker']} any more"
    until(lambda: any(taken in event["message"] for event in owner.events(name)), shown=lambda: owner.shown(name))
    (cluster,) = sim_account.ecs.describe_clusters(clusters=[status["clusterArn"]])["clusters"]
    assert set(cluster["capacityProviders"]) == set(providers.values())
    owner.scale(name, 1)
    owner.wait_until_ready(name, workers=1)
    delete_and_find_nothing(owner, name, sim_account, brought)
