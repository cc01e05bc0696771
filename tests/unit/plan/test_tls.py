"""TLS: who gets which certificate from where, and when it is renewed."""

import base64
import json
from typing import Any

from dask_ecs.plan import actions, tls
from dask_ecs.plan import made as made_things
from dask_ecs.plan.bindings import EnsureObject

from .world import World, asked, running

DAY = 24 * 60 * 60
PREFIX = "DASK_DISTRIBUTED__COMM__"


def container(world: World, role: str) -> dict[str, Any]:
    definitions = {
        action.request["containerDefinitions"][0]["name"]: action.request["containerDefinitions"][0]
        for action in asked(world, actions.RegisterTaskDefinition)
    }
    found: dict[str, Any] = definitions[role]
    return found


def binding(world: World) -> dict[str, str]:
    secret = [action.body for action in asked(world, EnsureObject) if action.kind == "Secret"][-1]
    return {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}


def test_scheduler_and_workers_speak_tls() -> None:
    world = running()
    assert str(world.target.cluster.status.scheduler_address).startswith("tls://")
    (override,) = asked(world, actions.RunTasks)[0].request["overrides"]["containerOverrides"]
    assert override["command"][:4] == ["dask", "scheduler", "--protocol", "tls"]
    for role in ("scheduler", "worker"):
        environment = {one["name"]: one["value"] for one in container(world, role)["environment"]}
        assert environment[f"{PREFIX}REQUIRE_ENCRYPTION"] == "true"


def test_tasks_get_the_certificate_from_the_secret_and_nothing_holds_it_in_the_clear() -> None:
    world = running()
    arn = f"arn:aws:secretsmanager:eu-west-1:123456789012:secret:{made_things.secret_name(world.target)}"
    secrets = {one["name"]: one["valueFrom"] for one in container(world, "worker")["secrets"]}
    assert secrets == {
        f"{PREFIX}TLS__CA_FILE": f"{arn}:ca.crt::",
        f"{PREFIX}TLS__WORKER__CERT": f"{arn}:tls.crt::",
        f"{PREFIX}TLS__WORKER__KEY": f"{arn}:tls.key::",
        f"{PREFIX}TLS__CLIENT__CERT": f"{arn}:tls.crt::",
        f"{PREFIX}TLS__CLIENT__KEY": f"{arn}:tls.key::",
    }
    requests = [action.request for action in world.done if hasattr(action, "request")]
    assert requests
    assert "key after" not in json.dumps([requests, world.body["status"]]) + repr(world.done)


def test_the_execution_role_may_read_that_secret_and_no_other() -> None:
    world = running()
    (role,) = [action for action in asked(world, actions.EnsureRole) if action.subject == "executionRole"]
    statements = [each for each in role.inline_policy["Statement"] if "secretsmanager" in str(each["Action"])]
    assert [each["Resource"] for each in statements] == [
        f"arn:aws:secretsmanager:eu-west-1:123456789012:secret:{made_things.secret_name(world.target)}-??????"
    ]


def test_a_user_who_has_a_ca_of_their_own_keeps_it() -> None:
    own = {"name": f"{PREFIX}TLS__CA_FILE", "value": "/etc/ca.crt"}
    world = running(environment=[own])
    found = container(world, "worker")
    assert own in found["environment"]
    assert own["name"] not in {one["name"] for one in found["secrets"]}


def test_clients_find_their_certificate_in_the_binding_secret() -> None:
    world = running()
    told = binding(world)
    assert (told["ca.crt"], told["tls.crt"], told["tls.key"]) == ("the CA", "certificate after", "key after")
    assert told["uri"] == world.target.cluster.status.scheduler_address


def test_a_renewed_certificate_reaches_clients_and_new_tasks_while_running_ones_go_on() -> None:
    world = running()
    tasks, definitions = set(world.tasks), world.target.cluster.status.task_definitions
    assert world.plan().wake_at is not None
    world.pass_time(60 * DAY)
    world.settle()
    first, second = asked(world, tls.EnsureCertificate)
    assert (first.follows, second.follows) == ("", "after")
    assert binding(world)["tls.crt"] == "certificate after after"
    assert set(world.tasks) == tasks
    assert world.target.cluster.status.task_definitions == definitions
    assert world.target.cluster.status.tls
    assert world.target.cluster.status.tls.not_after.startswith("2026-05-31T")


def test_while_a_renewal_fails_the_certificate_before_serves() -> None:
    world = running()
    world.pass_time(60 * DAY)
    world.scale(3)
    plan = world.plan()
    assert [action for action in plan.actions if isinstance(action, actions.RunTasks)]
    assert [action for action in plan.actions if isinstance(action, tls.EnsureCertificate)]


def test_clusters_of_a_namespace_share_a_certificate_and_isolated_ones_do_not() -> None:
    def name(uid: str, **spec: Any) -> str:
        world = World(spec)
        world.body["metadata"] |= {"name": uid, "uid": uid}
        return made_things.secret_name(world.target)

    assert name("a") == name("b")
    assert len({name("a"), name("a", isolation="cluster"), name("b", isolation="cluster")}) == 3


def test_the_secret_goes_with_its_last_user() -> None:
    world = running()
    secret = f"secret/{made_things.secret_name(world.target)}"
    assert secret in world.target.cluster.status.made
    world.in_use = frozenset({secret})
    world.delete()
    world.settle()
    assert not asked(world, tls.DeleteSecret)
    other = running()
    other.delete()
    other.settle()
    assert asked(other, tls.DeleteSecret)


def test_without_tls_nothing_of_it_is_asked_for() -> None:
    world = running(tls={"enabled": False})
    assert not asked(world, tls.EnsureCertificate)
    assert "secrets" not in container(world, "worker")
    assert binding(world)["uri"].startswith("tcp://")
    assert "tls.key" not in binding(world)
