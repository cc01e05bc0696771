"""What the spec's fields demand of each other, and what of them must not change."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from dask_ecs.api.fargate_rule import sold_by_fargate
from dask_ecs.api.launch_rules import LAUNCH_RULES, RoleName, launch_type_cel
from dask_ecs.api.rules import Rule
from dask_ecs.api.shape_rules import shape_rules

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dask_ecs.api.spec import DaskClusterSpec, Iam, Logs, Network, Scheduler


def _ports_differ(scheduler: Scheduler) -> bool:
    return scheduler.port != scheduler.dashboard_port


PORTS_DIFFER = Rule(
    cel="self.port != self.dashboardPort",
    holds=_ports_differ,
    message="port and dashboardPort are the same: give them different numbers",
    field=".dashboardPort",
)


def _given_groups_stay_closed(network: Network) -> bool:
    return not (network.security_groups and network.allowed_cidrs)


GIVEN_GROUPS_STAY_CLOSED = Rule(
    cel="!has(self.securityGroups) || self.securityGroups.size() == 0"
    " || !has(self.allowedCidrs) || self.allowedCidrs.size() == 0",
    holds=_given_groups_stay_closed,
    message="allowedCidrs opens the security group that is made, and beside securityGroups none is made: "
    "remove allowedCidrs and open the given groups yourself, or remove securityGroups",
    field=".allowedCidrs",
)


def _given_role_keeps_its_policies(iam: Iam) -> bool:
    return not (iam.task_role_arn and iam.task_role_policies)


GIVEN_ROLE_KEEPS_ITS_POLICIES = Rule(
    cel="!has(self.taskRoleArn) || !has(self.taskRolePolicies) || self.taskRolePolicies.size() == 0",
    holds=_given_role_keeps_its_policies,
    message="taskRolePolicies go to the role that is made, and beside taskRoleArn none is made: "
    "remove them and attach the policies to the given role yourself, or remove taskRoleArn",
    field=".taskRolePolicies",
)

# Where the output of tasks goes unless the spec says otherwise, of whatever namespace.
DEFAULT_LOG_GROUP = "dask-ecs"


def _shared_group_stays(logs: Logs) -> bool:
    return logs.deletion_policy != "Delete" or logs.group != DEFAULT_LOG_GROUP


SHARED_GROUP_STAYS = Rule(
    cel=f"self.deletionPolicy != 'Delete' || self.group != '{DEFAULT_LOG_GROUP}'",
    holds=_shared_group_stays,
    message=f"the log group {DEFAULT_LOG_GROUP} holds the logs of all namespaces and is not deleted: name one of your "
    "own in group, as /team-a/dask, or remove deletionPolicy",
    field=".deletionPolicy",
)

# ECS API reference, Tag: the prefix aws: is reserved for keys and values, in small and capital letters.
_AWS_PREFIXES = [f"{a}{w}{s}:" for a in "aA" for w in "wW" for s in "sS"]
_OWN_PREFIX = "ecs.dask.org/"


def _reserved(key: str) -> bool:
    return key.startswith((*_AWS_PREFIXES, _OWN_PREFIX))


def _has_tag_characters(text: str) -> bool:
    return all(unicodedata.category(character)[0] in "LZN" or character in "_.:/=+@-" for character in text)


def _tag_keys_are_short(tags: Mapping[str, str]) -> bool:
    return all(1 <= len(key) <= 128 for key in tags)


def _tag_keys_are_free(tags: Mapping[str, str]) -> bool:
    return not any(_reserved(key) for key in tags)


TAG_KEYS_ARE_SHORT = Rule(
    cel="self.all(key, key.size() >= 1 && key.size() <= 128)",
    holds=_tag_keys_are_short,
    message="a tag's key has 1 to 128 characters: shorten it",
)
TAG_KEYS_ARE_FREE = Rule(
    cel="!self.exists(key, {})".format(
        " || ".join(f"key.startsWith('{prefix}')" for prefix in (*_AWS_PREFIXES, _OWN_PREFIX))
    ),
    holds=_tag_keys_are_free,
    message=f"keys that begin with aws: are AWS's, with {_OWN_PREFIX} the operator's: begin with another word",
)
# IAM API reference, Tag: the narrowest of the services' patterns; tags go on roles as well.
_TAG_TEXT = r"[\p{L}\p{Z}\p{N}_.:/=+@-]*"
TAG_TEXTS_ARE_PLAIN = Rule(
    cel=f"self.all(key, key.size() > 128 || (key + self[key]).matches(r'^{_TAG_TEXT}$'))",
    holds=lambda tags: all(_has_tag_characters(key + value) for key, value in tags.items()),
    message="tags have letters, digits, spaces and _ . : / = + @ - only: leave other characters out",
)


def _gpus_are_on_ec2(spec: DaskClusterSpec) -> bool:
    return spec.launch_type_of("worker") != "FARGATE" or spec.worker.gpu == 0


def _launch_types(spec: DaskClusterSpec) -> tuple[str, ...]:
    return spec.launch_type_of("scheduler"), spec.launch_type_of("worker")


def _ec2_has_a_cluster(spec: DaskClusterSpec) -> bool:
    return "EC2" not in _launch_types(spec) or spec.cluster_arn is not None or spec.capacity is not None


def _capacity_is_for_ec2(spec: DaskClusterSpec) -> bool:
    return "EC2" in _launch_types(spec) or spec.capacity is None


def _capacity_is_for_a_made_cluster(spec: DaskClusterSpec) -> bool:
    return spec.cluster_arn is None or spec.capacity is None


def _capacity_is_the_strategy(spec: DaskClusterSpec) -> bool:
    on_instances = (spec.role(role) for role in _ROLES if spec.launch_type_of(role) == "EC2")
    return spec.capacity is None or not any(role.capacity_provider_strategy for role in on_instances)


def _there_is_an_ami(spec: DaskClusterSpec) -> bool:
    capacity = spec.capacity
    if capacity is None or capacity.managed_instances is not None or capacity.ami:
        return True
    return spec.cpu_architecture != "ARM64" or spec.worker.gpu == 0


def _cluster_is_in_the_region(spec: DaskClusterSpec) -> bool:
    return not (spec.region and spec.cluster_arn) or f":{spec.region}:" in spec.cluster_arn


def _public_addresses_are_on_fargate(spec: DaskClusterSpec) -> bool:
    return "FARGATE" in _launch_types(spec) or not spec.network.assign_public_ip


def _platform_is_on_fargate(spec: DaskClusterSpec) -> bool:
    return "FARGATE" in _launch_types(spec) or spec.platform_version == "LATEST"


# ECS developer guide, "Fargate Linux platform versions": 1.4.0 brought keys of secrets, of which certificates are made,
# more ephemeral storage, EFS, ARM64 and ECS Exec; older ones are retired.
_OLD_PLATFORM = r"1\.[0-3]\..*"


def _platform_is_new_enough(spec: DaskClusterSpec) -> bool:
    return re.fullmatch(_OLD_PLATFORM, spec.platform_version) is None


def _what_is_retained_is_its_own(spec: DaskClusterSpec) -> bool:
    return spec.deletion_policy != "Retain" or spec.is_isolated


def _a_share_is_of_spot(spec: DaskClusterSpec) -> bool:
    capacity = spec.capacity
    return capacity is None or capacity.on_demand_percentage is None or capacity.spot or bool(spec.worker.spot)


def _accelerators_are_for_gpus(spec: DaskClusterSpec) -> bool:
    managed = spec.capacity.managed_instances if spec.capacity else None
    return not (managed and managed.accelerator_names) or spec.worker.gpu > 0


def immutable(path: str, *, of: RoleName | None = None, is_always_there: bool = False) -> Rule:
    """Return the rule that a field is not changed, added or removed.

    It stands on the spec, or on the role that the field is `of`: both are always there.
    """

    def has(root: str) -> str:
        names = path.split(".")
        return " && ".join(f"has({root}.{'.'.join(names[: depth + 1])})" for depth in range(len(names)))

    same = f"self.{path} == oldSelf.{path}"
    return Rule(
        cel=same if is_always_there else f"({has('self')}) ? ({has('oldSelf')}) && {same} : !({has('oldSelf')})",
        holds=None,
        message=f"{f'{of}.' if of else ''}{path} can not be changed, added or removed: delete this DaskCluster, "
        "or make another one beside it",
        field=f".{path}",
    )


EXTERNAL_SCHEDULER_STAYS_ONE = Rule(
    # With an address the scheduler that runs would be none of the cluster's any more, without one its workers.
    cel="has(self.address) == has(oldSelf.address)",
    holds=None,
    message="scheduler.address can be changed, but not added or removed, for that would end the cluster with all its "
    "results: delete this DaskCluster, or make another one beside it",
    field=".address",
)


_ROLES: tuple[RoleName, ...] = ("scheduler", "worker")
_LAUNCH_TYPES = f"[{launch_type_cel('scheduler')}, {launch_type_cel('worker')}]"

CLUSTER_RULES = (
    sold_by_fargate("scheduler"),
    sold_by_fargate("worker"),
    *shape_rules("scheduler"),
    *shape_rules("worker"),
    Rule(
        cel=f"self.worker.gpu == 0 || {launch_type_cel('worker')} != 'FARGATE'",
        holds=_gpus_are_on_ec2,
        message="Fargate has no GPUs: remove worker.gpu, or set launchType: EC2 "
        "and clusterArn to an ECS cluster of GPU instances",
        field=".worker.gpu",
    ),
    Rule(
        cel=f"has(self.clusterArn) || has(self.capacity) || !('EC2' in {_LAUNCH_TYPES})",
        holds=_ec2_has_a_cluster,
        message="launchType EC2 runs on the instances of an existing ECS cluster: "
        "set clusterArn to its ARN, or capacity to have instances brought, or launchType: FARGATE",
        field=".clusterArn",
    ),
    Rule(
        cel=f"!has(self.capacity) || 'EC2' in {_LAUNCH_TYPES}",
        holds=_capacity_is_for_ec2,
        message="Fargate has no instances to bring: remove capacity, or set launchType: EC2",
        field=".capacity",
    ),
    Rule(
        cel="!has(self.clusterArn) || !has(self.capacity)",
        holds=_capacity_is_for_a_made_cluster,
        message="no instances are brought to an ECS cluster that is given: remove capacity, or clusterArn",
        field=".capacity",
    ),
    Rule(
        cel="!has(self.capacity) || "
        + " && ".join(
            f"({launch_type_cel(role)} != 'EC2' || self.{role}.?capacityProviderStrategy.orValue([]).size() == 0)"
            for role in _ROLES
        ),
        holds=_capacity_is_the_strategy,
        message="with capacity, tasks on EC2 run on the instances that it brings: remove their "
        "capacityProviderStrategy, or capacity",
        field=".capacity",
    ),
    Rule(
        cel="!has(self.capacity) || has(self.capacity.managedInstances) || has(self.capacity.ami)"
        " || self.cpuArchitecture != 'ARM64' || self.worker.gpu == 0",
        holds=_there_is_an_ami,
        message="there is no ECS-optimized AMI for GPUs on ARM64: name one in capacity.ami",
        field=".capacity.ami",
    ),
    Rule(
        cel="!has(self.region) || !has(self.clusterArn) || self.clusterArn.contains(':' + self.region + ':')",
        holds=_cluster_is_in_the_region,
        message="region is not the one in clusterArn: remove region, or make it the same",
        field=".region",
    ),
    Rule(
        cel=f"!self.?network.?assignPublicIp.orValue(false) || 'FARGATE' in {_LAUNCH_TYPES}",
        holds=_public_addresses_are_on_fargate,
        message="ECS gives tasks on EC2 no public address: remove assignPublicIp and use subnets with a NAT gateway",
        field=".network.assignPublicIp",
    ),
    Rule(
        cel=f"self.platformVersion == 'LATEST' || 'FARGATE' in {_LAUNCH_TYPES}",
        holds=_platform_is_on_fargate,
        message="only Fargate has platform versions: remove platformVersion, or set launchType: FARGATE",
        field=".platformVersion",
    ),
    Rule(
        cel=f"!self.platformVersion.matches(r'^{_OLD_PLATFORM}$')",
        holds=_platform_is_new_enough,
        message="Dask's tasks need Fargate's platform version 1.4.0 or newer: remove platformVersion",
        field=".platformVersion",
    ),
    Rule(
        cel="self.deletionPolicy != 'Retain' || self.isolation == 'cluster' || has(self.capacity)",
        holds=_what_is_retained_is_its_own,
        message="what clusters of a namespace share goes with the last of them, whoever retains his: "
        "remove deletionPolicy, or make the cluster with isolation: cluster",
        field=".deletionPolicy",
    ),
    Rule(
        cel="!has(self.capacity) || !has(self.capacity.onDemandPercentage) || self.capacity.spot"
        " || self.worker.?spot.orValue(false)",
        holds=_a_share_is_of_spot,
        message="without spot all instances are on demand: remove onDemandPercentage, or set spot: true",
        field=".capacity.onDemandPercentage",
    ),
    Rule(
        cel="!has(self.capacity) || self.capacity.?managedInstances.?acceleratorNames.orValue([]).size() == 0"
        " || self.worker.gpu > 0",
        holds=_accelerators_are_for_gpus,
        message="only workers with GPUs have accelerators: set worker.gpu, or remove acceleratorNames",
        field=".capacity.managedInstances.acceleratorNames",
    ),
    *LAUNCH_RULES,
    immutable("launchType", is_always_there=True),
    immutable("region"),
    immutable("clusterArn"),
    immutable("isolation", is_always_there=True),
    immutable("tls.enabled", is_always_there=True),
    immutable("network.vpcId"),
)
