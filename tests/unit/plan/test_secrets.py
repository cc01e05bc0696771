"""Secrets: which variable comes from where, and that the made execution role reads these and nothing else."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from dask_ecs.plan import actions

from .world import SETTINGS, World, asked

SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:team/database-AbCdEf"
PARAMETER = "arn:aws:ssm:eu-west-1:123456789012:parameter/team/token"
REGISTRY = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:registry-AbCdEf"


def _settled(spec: dict[str, Any]) -> World:
    settings = dataclasses.replace(SETTINGS, allow_secrets=("*",), allow_roles=("*",))
    # The certificate's secret is another story.
    world = World({"tls": {"enabled": False}, **spec}, settings=settings)
    world.settle()
    return world


def _containers(world: World) -> dict[str, Mapping[str, Any]]:
    requests = [action.request for action in asked(world, actions.RegisterTaskDefinition)]
    containers = [container for request in requests for container in request["containerDefinitions"]]
    return {container["name"]: container for container in containers}


def _allowed(world: World) -> dict[str, list[str]]:
    """Return what the execution role may do with what, but for logs and images."""
    (role,) = [action for action in asked(world, actions.EnsureRole) if action.subject == "executionRole"]
    statements = role.inline_policy["Statement"]
    return {
        action: [*statement["Resource"]]
        for statement in statements
        if (action := statement["Action"]) in ("secretsmanager:GetSecretValue", "ssm:GetParameters")
    }


def test_each_role_has_the_secrets_of_the_cluster_and_its_own() -> None:
    world = _settled(
        {
            "secrets": [{"name": "TOKEN", "valueFrom": PARAMETER}],
            "worker": {"secrets": [{"name": "PASSWORD", "valueFrom": f"{SECRET}:password::"}]},
        }
    )
    token, password = (
        {"name": "TOKEN", "valueFrom": PARAMETER},
        {"name": "PASSWORD", "valueFrom": f"{SECRET}:password::"},
    )
    containers = _containers(world)
    assert containers["scheduler"]["secrets"] == [token]
    assert containers["worker"]["secrets"] == [token, password]


def test_the_execution_role_reads_exactly_what_is_named() -> None:
    world = _settled(
        {
            "imageCredentials": REGISTRY,
            "secrets": [{"name": "TOKEN", "valueFrom": PARAMETER}],
            "scheduler": {"secrets": [{"name": "USER", "valueFrom": f"{SECRET}:user::"}]},
            "worker": {"secrets": [{"name": "PASSWORD", "valueFrom": f"{SECRET}:password::"}]},
        }
    )
    assert _allowed(world) == {"secretsmanager:GetSecretValue": [REGISTRY, SECRET], "ssm:GetParameters": [PARAMETER]}
    assert not _allowed(_settled({"worker": {"replicas": 1}}))


def test_the_execution_role_reads_what_sidecars_and_log_drivers_name_too() -> None:
    splunk = {"logDriver": "splunk", "secretOptions": [{"name": "splunk-token", "valueFrom": PARAMETER}]}
    agent = {
        "name": "agent",
        "image": "agent",
        "imageCredentials": REGISTRY,
        "secrets": [{"name": "KEY", "valueFrom": f"{SECRET}:key::"}],
    }
    world = _settled({"scheduler": {"sidecars": [agent]}, "worker": {"logConfiguration": splunk}})
    assert _allowed(world) == {"secretsmanager:GetSecretValue": [REGISTRY, SECRET], "ssm:GetParameters": [PARAMETER]}


def test_clusters_with_other_secrets_do_not_share_a_role() -> None:
    specs: list[dict[str, Any]] = [{}, {"imageCredentials": REGISTRY}, {"imageCredentials": SECRET}]
    worlds = [_settled({"worker": {"replicas": 1}, **spec}) for spec in specs]
    assert len({world.target.cluster.status.roles.execution for world in worlds}) == 3
    assert len({world.target.cluster.status.roles.task for world in worlds}) == 1


def test_a_name_is_never_both_a_plain_variable_and_a_secret() -> None:
    world = _settled(
        {
            "environment": [{"name": "ONE", "value": "spec"}, {"name": "TWO", "value": "spec"}],
            "secrets": [{"name": "TWO", "valueFrom": SECRET}, {"name": "THREE", "valueFrom": SECRET}],
            "scheduler": {"environment": [{"name": "THREE", "value": "scheduler"}]},
            "worker": {
                "environment": [{"name": "ONE", "value": "worker"}],
                "secrets": [{"name": "ONE", "valueFrom": PARAMETER}],
            },
        }
    )
    found = {
        role: (
            {variable["name"]: variable["value"] for variable in container["environment"]},
            {secret["name"]: secret["valueFrom"] for secret in container["secrets"]},
        )
        for role, container in _containers(world).items()
    }
    assert found["scheduler"] == ({"ONE": "spec", "THREE": "scheduler"}, {"TWO": SECRET})
    plain, secret = found["worker"]
    assert all(name.startswith("DASK_") for name in plain)
    assert secret == {"TWO": SECRET, "THREE": SECRET, "ONE": PARAMETER}


def test_the_registrys_credentials_are_used_by_both_roles_and_never_by_a_given_execution_role_made_more() -> None:
    role = "arn:aws:iam::123456789012:role/given"
    world = _settled({"imageCredentials": REGISTRY, "iam": {"executionRoleArn": role}})
    assert [container["repositoryCredentials"] for container in _containers(world).values()] == [
        {"credentialsParameter": REGISTRY}
    ] * 2
    assert [action.subject for action in asked(world, actions.EnsureRole)] == ["taskRole"]
