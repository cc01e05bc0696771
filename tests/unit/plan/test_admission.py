"""A tenant gains nothing on AWS that the operator's owner has not admitted."""

import dataclasses
from typing import Any

import pytest

from dask_ecs.plan.settings import Settings

from .world import SETTINGS, World, condition

_ACCOUNT = "arn:aws:iam::123456789012"
_ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
_SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:others/database-AbCdEf"
_DEFINITION = "arn:aws:ecs:eu-west-1:123456789012:task-definition/admin:1"
_PARAMETER = "arn:aws:ssm:eu-west-1:123456789012:parameter/others/database"


def _volume(**kind: Any) -> dict[str, Any]:
    given = {"launchType": "EC2", "clusterArn": "arn:aws:ecs:eu-west-1:123456789012:cluster/given"}
    return {**given, "volumes": [{"name": "others", **kind}]}


def _sidecar(**container: Any) -> dict[str, Any]:
    return {"scheduler": {"sidecars": [{"name": "agent", "image": "agent", **container}]}}


def _splunk(secret: str) -> dict[str, Any]:
    return {"logDriver": "splunk", "secretOptions": [{"name": "splunk-token", "valueFrom": secret}]}


# What a tenant writes; what of it has to be admitted; the option, and the setting behind it.
ATTEMPTS = [
    ({"iam": {"executionRoleArn": f"{_ACCOUNT}:role/admin"}}, f"{_ACCOUNT}:role/admin", "--allow-role", "allow_roles"),
    ({"iam": {"taskRoleArn": f"{_ACCOUNT}:role/admin"}}, f"{_ACCOUNT}:role/admin", "--allow-role", "allow_roles"),
    ({"iam": {"taskRolePolicies": [_ADMIN]}}, _ADMIN, "--allow-task-role-policy", "allow_task_role_policies"),
    ({"imageCredentials": _SECRET}, _SECRET, "--allow-secret", "allow_secrets"),
    ({"secrets": [{"name": "A", "valueFrom": f"{_SECRET}:password::"}]}, _SECRET, "--allow-secret", "allow_secrets"),
    ({"scheduler": {"secrets": [{"name": "A", "valueFrom": _SECRET}]}}, _SECRET, "--allow-secret", "allow_secrets"),
    ({"worker": {"secrets": [{"name": "A", "valueFrom": _PARAMETER}]}}, _PARAMETER, "--allow-secret", "allow_secrets"),
    (
        {"scheduler": {"taskDefinitionArn": _DEFINITION}},
        _DEFINITION,
        "--allow-task-definition",
        "allow_task_definitions",
    ),
    ({"worker": {"taskDefinitionArn": _DEFINITION}}, _DEFINITION, "--allow-task-definition", "allow_task_definitions"),
    (_sidecar(imageCredentials=_SECRET), _SECRET, "--allow-secret", "allow_secrets"),
    (_sidecar(secrets=[{"name": "A", "valueFrom": _SECRET}]), _SECRET, "--allow-secret", "allow_secrets"),
    (_sidecar(logConfiguration=_splunk(_PARAMETER)), _PARAMETER, "--allow-secret", "allow_secrets"),
    ({"worker": {"logConfiguration": _splunk(_SECRET)}}, _SECRET, "--allow-secret", "allow_secrets"),
    (_volume(host={"sourcePath": "/etc/secret"}), "/etc/secret", "--allow-host-path", "allow_host_paths"),
    (_volume(dockerVolumeConfiguration={}), "docker:local:others", "--allow-host-path", "allow_host_paths"),
    (
        _volume(dockerVolumeConfiguration={"driverOpts": {"type": "none", "o": "bind", "device": "/etc"}}),
        "docker:local:others,device=/etc,o=bind,type=none",
        "--allow-host-path",
        "allow_host_paths",
    ),
]


def _with(setting: str, *patterns: str) -> Settings:
    changes: dict[str, Any] = {setting: patterns}
    return dataclasses.replace(SETTINGS, **changes)


@pytest.mark.parametrize(("spec", "value", "option", "setting"), ATTEMPTS)
def test_what_is_not_admitted_is_refused_before_anything_is_made(
    spec: dict[str, Any], value: str, option: str, setting: str
) -> None:
    others = _with(setting, value[:-1], f"{value}/more", value.upper())
    for settings in (SETTINGS, others):
        world = World(spec, settings=settings)
        assert not world.step().actions
        status, reason, message = condition(world, "Stalled")
        assert status == "True"
        assert reason.endswith("NotAllowed")
        assert f"{option} '{value}'" in message
        assert condition(world, "Ready")[1:] == (reason, message)


@pytest.mark.parametrize(("spec", "value", "option", "setting"), ATTEMPTS)
def test_what_is_admitted_is_used(spec: dict[str, Any], value: str, option: str, setting: str) -> None:
    for pattern in (value, f"{value[:12]}*"):
        world = World(spec, settings=_with(setting, pattern))
        assert world.step().actions, option
        assert condition(world, "Stalled")[0] == "False"


_CLUSTER = "arn:aws:ecs:eu-west-1:123456789012:cluster/given"
_FILES = "fs-0123456789abcdef0"
PLACES = [
    ({"network": {"vpcId": "vpc-0123456789abcdef0"}}, "vpc-0123456789abcdef0", "--allow-network", "allow_networks"),
    (
        {"network": {"subnets": ["subnet-0123456789abcdef0"]}},
        "subnet-0123456789abcdef0",
        "--allow-network",
        "allow_networks",
    ),
    (
        {"worker": {"subnets": ["subnet-0123456789abcdef0"]}},
        "subnet-0123456789abcdef0",
        "--allow-network",
        "allow_networks",
    ),
    (
        {"network": {"securityGroups": ["sg-0123456789abcdef0"]}},
        "sg-0123456789abcdef0",
        "--allow-security-group",
        "allow_security_groups",
    ),
    (
        {"scheduler": {"securityGroups": ["sg-0123456789abcdef0"]}},
        "sg-0123456789abcdef0",
        "--allow-security-group",
        "allow_security_groups",
    ),
    ({"clusterArn": _CLUSTER}, _CLUSTER, "--allow-ecs-cluster", "allow_ecs_clusters"),
    ({"logs": {"group": "theirs"}}, "theirs", "--allow-log-group", "allow_log_groups"),
    ({}, "dask-ecs", "--allow-log-group", "allow_log_groups"),
    (
        {"volumes": [{"name": "theirs", "efsVolumeConfiguration": {"fileSystemId": _FILES}}]},
        _FILES,
        "--allow-file-system",
        "allow_file_systems",
    ),
]


@pytest.mark.parametrize(("spec", "value", "option", "setting"), PLACES)
def test_where_tasks_run_anybody_may_say_unless_the_owner_says_where(
    spec: dict[str, Any], value: str, option: str, setting: str
) -> None:
    for admitted in (SETTINGS, _with(setting, f"{value[:-2]}*")):
        world = World(spec, settings=admitted)
        assert world.step().actions
        assert condition(world, "Stalled")[0] == "False"
    world = World(spec, settings=_with(setting, f"{value}-not"))
    assert not world.step().actions
    assert f"{option} '{value}'" in condition(world, "Stalled")[2]


@pytest.mark.parametrize("cidr", ["0.0.0.0/0", "10.0.0.0/7", "10.20.0.0/15", "10.30.1.7/32"])
def test_a_range_that_lies_within_none_of_the_owners_is_refused(cidr: str) -> None:
    spec = {"network": {"allowedCidrs": ["10.20.1.0/24", cidr]}}
    assert World(spec, settings=SETTINGS).step().actions, "by default any"
    world = World(spec, settings=_with("allow_cidrs", "fd00::/8", "10.20.0.0/16"))
    assert not world.step().actions
    status, reason, message = condition(world, "Stalled")
    assert (status, reason) == ("True", "CidrNotAllowed")
    assert f"spec.network.allowedCidrs: the operator does not admit range {cidr}." in message
    assert f"--allow-cidr '{cidr}'" in message


@pytest.mark.parametrize("cidr", ["10.20.0.0/16", "10.20.1.0/24", "10.20.255.255/32"])
def test_a_range_within_one_of_the_owners_is_admitted(cidr: str) -> None:
    settings = _with("allow_cidrs", "fd00::/8", "10.20.0.0/16")
    assert World({"network": {"allowedCidrs": [cidr]}}, settings=settings).step().actions


@pytest.mark.parametrize(("install", "prefix"), [("abc", "dask-abc-"), ("a.b", "dask-a-b-")])
def test_a_key_of_a_namespaces_ca_is_admitted_to_nobody(install: str, prefix: str) -> None:
    key = f"arn:aws:secretsmanager:eu-west-1:123456789012:secret:{prefix}other-tls-AbCdEf:ca.key::"
    settings = dataclasses.replace(SETTINGS, install=install, allow_secrets=("*",))
    world = World({"secrets": [{"name": "KEY", "valueFrom": key}]}, settings=settings)
    world.step()
    status, reason, message = condition(world, "Stalled")
    assert (status, reason) == ("True", "SecretNotAllowed")
    assert "never admitted" in message
    assert world.done == []
