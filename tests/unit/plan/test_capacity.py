"""Instances that are brought for a cluster: checked first, made in AWS's order, gone in AWS's order."""

import base64
import dataclasses
from email import message_from_string
from typing import Any

import pytest

from dask_ecs.plan import actions, capacity_actions, launch_template, made
from dask_ecs.plan.capacity import groups

from .world import LARGE, SETTINGS, World, asked, condition

SMALL = {"cpu": 1, "memory": "2Gi"}


def spec(*, worker: dict[str, Any] | None = None, **capacity: Any) -> dict[str, Any]:
    return {
        "launchType": "EC2",
        "capacity": {"instanceTypes": ["m6i.large"], **capacity},
        "scheduler": SMALL,
        "worker": {**SMALL, "replicas": 2, **(worker or {})},
    }


def settled(**changes: Any) -> World:
    world = World(spec(**changes))
    world.settle()
    return world


def kinds(world: World) -> list[type]:
    return list(dict.fromkeys(type(action) for action in world.done))


def data(world: World, name: str = "tasks") -> dict[str, Any]:
    templates = asked(world, capacity_actions.EnsureLaunchTemplate)
    return dict(next(each.data for each in reversed(templates) if each.name.endswith(name)))


def user_data(world: World, name: str = "tasks") -> list[tuple[str, str]]:
    """Return the parts that cloud-init sees."""
    message = message_from_string(base64.b64decode(data(world, name)["UserData"]).decode())
    return [(part.get_content_type(), str(part.get_payload())) for part in message.walk() if not part.is_multipart()]


def test_instances_are_brought_in_awss_order_and_tasks_run_on_their_capacity_provider() -> None:
    world = settled()
    associate = actions.AssociateCapacityProviders
    order = [kind for kind in kinds(world) if kind is associate or kind.__module__ == capacity_actions.__name__]
    assert order == [
        capacity_actions.DescribeInstanceTypes,
        capacity_actions.EnsureInstanceProfile,
        capacity_actions.EnsureLaunchTemplate,
        capacity_actions.EnsureAutoScalingGroup,
        capacity_actions.EnsureCapacityProvider,
        associate,
        capacity_actions.SizeAutoScalingGroup,
    ]
    (name,) = {action.name for action in asked(world, capacity_actions.EnsureCapacityProvider)}
    for run in asked(world, actions.RunTasks):
        assert run.request["capacityProviderStrategy"] == [{"capacityProvider": name, "weight": 1}]
        assert "launchType" not in run.request
    assert world.body["status"]["capacityProviders"] == {"scheduler": name, "worker": name}
    assert world.body["status"]["launchType"] == "EC2"
    things = {action.thing for action in world.done if action.thing} - {"log-group/dask-ecs"}
    assert things == set(world.body["status"]["made"]) == set(map(str, made.wanted(world.target)))


def test_they_are_this_clusters_alone() -> None:
    one, other = World(spec()), World(spec())
    other.body["metadata"] |= {"name": "other", "uid": "u-2"}
    assert not set(made.wanted(one.target)) & set(made.wanted(other.target))
    for thing in made.wanted(one.target):
        assert len(thing.name) <= (64 if thing.kind == "iam-role" else 128)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"worker": {"memory": "8Gi"}}, "spec.worker asks for cpu: 1, memory: 8Gi, which does not fit m6i.large"),
        ({"worker": {"memory": "8Gi"}}, "is cpu: 2, memory: 7686Mi"),
        ({"worker": {"cpu": 4}, "instanceTypes": ["m6i.xlarge", "m6i.large"]}, "does not fit m6i.large:"),
        ({"worker": {"gpu": 1}}, "gpu: 1, which does not fit m6i.large"),
        ({"instanceTypes": ["m7g.xlarge"]}, "m7g.xlarge is of ARM64, spec.cpuArchitecture is X86_64"),
        ({"schedulerInstanceTypes": ["m7g.xlarge"]}, "spec.capacity.schedulerInstanceTypes: m7g.xlarge is of ARM64"),
    ],
)
def test_tasks_that_do_not_fit_are_told_of_before_anything_is_made(changes: dict[str, Any], says: str) -> None:
    world = World(spec(**changes))
    for _ in range(5):
        world.step()
    looked = {actions.IdentifyAccount, actions.ResolveNetwork, capacity_actions.DescribeInstanceTypes}
    assert set(kinds(world)) == looked
    status, reason, message = condition(world, "Stalled")
    assert (status, reason) == ("True", "InstanceTypeDoesNotFit")
    assert says in message


def test_tasks_are_as_large_as_overrides_and_definitions_say_whatever_the_spec_says() -> None:
    def told(**worker: Any) -> str:
        world = World(spec(worker=worker), settings=dataclasses.replace(SETTINGS, allow_task_definitions=("*",)))
        for _ in range(8):
            world.step()
        return condition(world, "Stalled")[2]

    large, small = {"overrides": {"memory": "16384"}}, {"overrides": {"cpu": "1024", "memory": "2048"}}
    assert "asks for cpu: 1, memory: 16Gi, which does not fit m6i.large" in told(runTaskOverrides=large)
    assert told(cpu=4, memory="16Gi", runTaskOverrides=small) == ""
    assert "asks for cpu: 2, memory: 12Gi, which does not fit m6i.large" in told(taskDefinitionArn=LARGE)
    assert told(taskDefinitionArn=LARGE, runTaskOverrides=small) == ""


def test_managed_instances_hold_what_a_given_definition_asks_for() -> None:
    managed = {**spec(worker={"taskDefinitionArn": LARGE}), "capacity": {"managedInstances": {}}}
    world = World(managed, settings=dataclasses.replace(SETTINGS, allow_task_definitions=("*",)))
    world.settle()
    scheduler, worker = asked(world, capacity_actions.EnsureCapacityProvider)
    needs = worker.managed_instances["instanceLaunchTemplate"]["instanceRequirements"]
    assert needs["vCpuCount"] == {"min": 2}
    assert needs["memoryMiB"]["min"] > 12288
    assert scheduler.managed_instances["instanceLaunchTemplate"]["instanceRequirements"]["vCpuCount"] == {"min": 1}


def test_a_task_of_16_gib_never_fits_an_instance_of_16_gib() -> None:
    world = World(spec(worker={"memory": "16Gi"}, instanceTypes=["m6i.xlarge"]))
    for _ in range(5):
        world.step()
    assert "memory: 15468Mi" in condition(world, "Ready")[2]
    world.edit(worker={"cpu": 4, "memory": "15468Mi", "replicas": 1})
    world.settle()


def test_tasks_alike_share_a_group_and_others_have_their_own() -> None:
    shared = groups(World(spec()).target.cluster.spec)
    assert [(group.members, group.roles) for group in shared] == [("tasks", ("scheduler", "worker"))]
    for changes in (
        {"worker": {"memory": "4Gi"}},
        {"worker": {"gpu": 1}},
        {"worker": {"spot": True}},
        {"spot": True},
        {"schedulerInstanceTypes": ["m6i.xlarge"]},
    ):
        own = groups(World(spec(minimum=1, maximum=5, **changes)).target.cluster.spec)
        assert [(group.members, group.minimum, group.maximum) for group in own] == [
            ("scheduler", 0, 1),
            ("worker", 1, 5),
        ]


def test_a_scheduler_on_fargate_needs_no_instance() -> None:
    world = World({**spec(), "scheduler": {"cpu": 1, "memory": "2Gi", "launchType": "FARGATE"}})
    world.settle()
    scheduler, *workers = asked(world, actions.RunTasks)
    assert scheduler.request["launchType"] == "FARGATE"
    assert all("capacityProviderStrategy" in run.request for run in workers)
    assert [group.members for group in groups(world.target.cluster.spec)] == ["worker"]
    assert world.body["status"]["launchType"] == "FARGATE, EC2"


def test_workers_run_on_spot_but_for_their_share_on_demand_and_the_scheduler_never() -> None:
    world = settled(spot=True, onDemandPercentage=25)
    shares = {
        action.name.rpartition("-")[2]: action.on_demand_percentage
        for action in asked(world, capacity_actions.EnsureAutoScalingGroup)
    }
    assert shares == {"scheduler": 100, "worker": 25}


def test_instances_are_set_up_closed_and_joined_to_their_cluster() -> None:
    found = data(settled(filesystemSize="100Gi", monitoring=True, volumeTags={"backup": "no"}))
    assert found["ImageId"] == ("resolve:ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id")
    (volume,) = found["BlockDeviceMappings"]
    assert volume["Ebs"] == {
        "VolumeSize": 100, "VolumeType": "gp3", "Encrypted": True, "DeleteOnTermination": True
    }  # fmt: skip
    assert found["MetadataOptions"]["HttpTokens"] == "required"
    assert found["Monitoring"] == {"Enabled": True}
    tags = {each["ResourceType"]: {tag["Key"] for tag in each["Tags"]} for each in found["TagSpecifications"]}
    assert "ecs.dask.org/uid" in tags["instance"] & tags["volume"]
    assert "backup" in tags["volume"] - tags["instance"]
    world = settled()
    (kind, script), = user_data(world)  # fmt: skip
    assert kind == "text/x-shellscript"
    assert f"ECS_CLUSTER={made.ecs_cluster_name(world.target)}\n" in script
    assert "ECS_ENABLE_SPOT_INSTANCE_DRAINING=true\n" in script
    assert "ECS_AWSVPC_BLOCK_IMDS=true\n" in script


@pytest.mark.parametrize(
    ("text", "kind"),
    [("#!/bin/sh\necho --part\n", "text/x-shellscript"), ("#cloud-config\nswap: {}\n", "text/cloud-config")],
)
def test_the_users_part_runs_after_ours(text: str, kind: str) -> None:
    world = World(spec(userData=text), settings=dataclasses.replace(SETTINGS, allow_user_data=True))
    world.settle()
    ours, theirs = user_data(world)
    assert "ECS_CLUSTER" in ours[1]
    assert (theirs[0], theirs[1].rstrip()) == (kind, text.rstrip())


def test_workers_with_gpus_have_the_ami_for_gpus_and_a_scheduler_may_do_without() -> None:
    world = settled(worker={"gpu": 1}, instanceTypes=["g4dn.xlarge"], schedulerInstanceTypes=["m6i.large"])
    assert "/gpu/" in data(world, "worker")["ImageId"]
    assert "/gpu/" not in data(world, "scheduler")["ImageId"]
    assert "ECS_ENABLE_GPU_SUPPORT=true" in user_data(world, "worker")[0][1]
    arm = launch_template.ami_parameter("ARM64", gpu=False)
    assert arm.endswith("/amazon-linux-2023/arm64/recommended/image_id")


def test_an_edit_of_the_machines_is_a_new_version_that_the_group_launches_and_no_task_is_replaced() -> None:
    world = settled()
    tasks = set(world.tasks)
    world.done.clear()
    world.edit(capacity={**world.body["spec"]["capacity"], "filesystemSize": "200Gi", "maximum": 7})
    world.settle()
    assert set(kinds(world)) == {capacity_actions.EnsureLaunchTemplate, capacity_actions.SizeAutoScalingGroup}
    (size,) = asked(world, capacity_actions.SizeAutoScalingGroup)
    assert (size.minimum, size.maximum) == (0, 7)
    assert set(world.tasks) == tasks


def test_a_group_that_no_task_is_on_any_more_goes_and_one_with_tasks_stays() -> None:
    world = settled()
    (old,) = {group.name for group in asked(world, capacity_actions.EnsureAutoScalingGroup)}
    for task in list(world.tasks.values()):
        world.tasks[task.arn] = dataclasses.replace(task, capacity_provider=old)
    world.edit(capacity={**world.body["spec"]["capacity"], "spot": True})
    world.settle()
    assert not asked(world, capacity_actions.CapacityDeletion)
    assert f"auto-scaling-group/{old}" in world.body["status"]["made"]
    for task in list(world.tasks.values()):
        world.stop(task.arn)
    world.settle()
    world.settle()
    gone = [action for action in world.done if isinstance(action, capacity_actions.CapacityDeletion)]
    assert gone[0].thing == f"auto-scaling-group/{old}"
    assert {action.name for action in gone} == {old}
    assert not any(thing.endswith(old) for thing in world.body["status"]["made"] if "ecs-cluster" not in thing)


def test_all_of_it_goes_in_the_order_that_aws_demands() -> None:
    world = settled(schedulerInstanceTypes=["m6i.xlarge"])
    world.done.clear()
    world.delete()
    world.settle()
    order = [type(action) for action in world.done]

    def last(kind: type) -> int:
        return max(index for index, each in enumerate(order) if each is kind)

    groups_gone = last(capacity_actions.DeleteAutoScalingGroup)
    providers_gone = last(capacity_actions.DeleteCapacityProvider)
    assert groups_gone < order.index(capacity_actions.DeleteCapacityProvider)
    assert groups_gone < order.index(capacity_actions.DeleteLaunchTemplate)
    assert providers_gone < order.index(actions.DeleteEcsCluster)
    assert providers_gone < order.index(actions.DeleteSecurityGroup)
    assert order.index(capacity_actions.DeleteInstanceProfile) < order.index(actions.DeleteRole)
    assert world.gone
    assert {action.thing for action in world.done if action.thing} == set(map(str, made.wanted(world.target)))


def test_managed_instances_are_asked_for_by_what_the_tasks_need() -> None:
    capacity: dict[str, Any] = {"managedInstances": {"acceleratorNames": ["t4"]}, "spot": True}
    world = World({**spec(worker={"gpu": 1, "memory": "8Gi"}), "capacity": capacity})
    world.settle()
    assert capacity_actions.EnsureAutoScalingGroup not in kinds(world)
    scheduler, worker = asked(world, capacity_actions.EnsureCapacityProvider)
    template = worker.managed_instances["instanceLaunchTemplate"]
    needs = template["instanceRequirements"]
    assert (needs["vCpuCount"]["min"], needs["acceleratorCount"]["min"], needs["acceleratorNames"]) == (1, 1, ["t4"])
    assert needs["memoryMiB"]["min"] > 8192
    assert template["capacityOptionType"] == "SPOT"
    theirs = scheduler.managed_instances["instanceLaunchTemplate"]
    assert "acceleratorTypes" not in theirs["instanceRequirements"]
    assert theirs["capacityOptionType"] == "ON_DEMAND"
    definitions = asked(world, actions.RegisterTaskDefinition)
    assert {tuple(each.request["requiresCompatibilities"]) for each in definitions} == {("MANAGED_INSTANCES",)}
    world.delete()
    world.settle()
    assert world.gone


def test_managed_instances_that_are_to_be_spot_are_others_than_those_on_demand() -> None:
    world = World({**spec(), "capacity": {"managedInstances": {}}})
    world.settle()
    before = world.body["status"]["capacityProviders"]["worker"]
    world.edit(capacity={"managedInstances": {}, "spot": True})
    world.settle()
    after = world.body["status"]["capacityProviders"]["worker"]
    assert after != before
    (made,) = [action for action in asked(world, capacity_actions.EnsureCapacityProvider) if action.name == after]
    assert made.managed_instances is not None
    assert made.managed_instances["instanceLaunchTemplate"]["capacityOptionType"] == "SPOT"


@pytest.mark.parametrize(
    ("given", "setting"),
    [
        ({"userData": "#!/bin/sh\n"}, {"allow_user_data": True}),
        ({"ami": "ami-0123456789abcdef0"}, {"allow_user_data": True}),
        ({"keyName": "mine"}, {"allow_user_data": True}),
        (
            {"instanceProfileArn": "arn:aws:iam::123456789012:instance-profile/admin"},
            {"allow_instance_profiles": ("arn:aws:iam::123456789012:instance-profile/*",)},
        ),
    ],
)
def test_a_tenant_gets_nothing_onto_instances_that_the_owner_has_not_admitted(
    given: dict[str, Any], setting: dict[str, Any]
) -> None:
    world = World(spec(**given))
    assert not world.step().actions
    _, reason, message = condition(world, "Stalled")
    assert reason.endswith("NotAllowed")
    assert f"spec.capacity.{next(iter(given))}" in message
    assert "--allow-" in message
    admitted = World(spec(**given), settings=dataclasses.replace(SETTINGS, **setting))
    admitted.settle()
    assert condition(admitted, "Stalled")[0] == "False"
