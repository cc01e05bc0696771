"""What Kubernetes is to hold of a cluster, so that clients find it."""

import base64
import dataclasses
import functools
import re
from typing import Any

from dask_ecs.api.conditions import find_condition
from dask_ecs.controllers.memory import Memory
from dask_ecs.plan import bindings, cluster, recall
from dask_ecs.plan.bindings import EnsureObject
from dask_ecs.plan.observed import Known

from .world import World, asked, running


def written(world: World) -> dict[str, Any]:
    """The last body of each object, by its kind."""
    return {action.kind: action.body for action in asked(world, EnsureObject)}


def test_the_binding_secret_tells_where_the_scheduler_is() -> None:
    world = running(tls={"enabled": False})
    status, secret = world.target.cluster.status, written(world)["Secret"]
    told = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
    assert told == {
        "type": "dask",
        "provider": "dask-ecs-operator",
        "host": "10.0.0.1",
        "port": "8786",
        "uri": status.scheduler_address,
        "dashboard": status.dashboard_link,
    }
    assert secret["type"] == "servicebinding.io/dask"
    assert status.binding
    assert status.binding.name == secret["metadata"]["name"] == "demo-binding"


def test_a_service_is_made_only_if_it_is_asked_for() -> None:
    assert written(running()).keys() == {"Secret"}
    world = running(service={"enabled": True})
    assert world.target.cluster.status.service
    assert world.target.cluster.status.service.name == "demo-scheduler"
    assert written(world)["Service"]["spec"].get("selector") is None


def test_the_endpoint_slice_follows_the_scheduler() -> None:
    world = World({"service": {"enabled": True}})
    world.step()
    assert written(world)["EndpointSlice"]["endpoints"] == []
    world.settle()
    (before,) = written(world)["EndpointSlice"]["endpoints"]
    world.stop(world.live["scheduler"][0].arn)
    world.step()
    assert written(world)["EndpointSlice"]["endpoints"] == []
    world.settle()
    (after,) = written(world)["EndpointSlice"]["endpoints"]
    assert before["addresses"] != after["addresses"] == [world.live["scheduler"][0].private_ip]


def test_the_endpoint_slice_names_the_ports_of_the_scheduler_that_runs() -> None:
    world = running(service={"enabled": True})
    world.edit(scheduler={"port": 9000})
    world.settle()
    objects = written(world)
    assert [port["port"] for port in objects["Service"]["spec"]["ports"]] == [9000, 8787]
    assert [port["port"] for port in objects["EndpointSlice"]["ports"]] == [8786, 8787]


def test_nothing_is_written_while_nothing_changes() -> None:
    world = running(service={"enabled": True})
    before = len(asked(world, EnsureObject))
    world.scale(5)
    world.settle()
    assert before == 4  # the EndpointSlice twice: without an endpoint, and with it
    assert len(asked(world, EnsureObject)) == before


def test_a_service_that_is_not_wanted_any_more_goes() -> None:
    world = running(service={"enabled": True})
    world.edit(service={"enabled": False})
    world.settle()
    assert (written(world)["Service"], written(world)["EndpointSlice"]) == (None, None)
    assert world.target.cluster.status.service is None
    world.edit(service={"enabled": True})
    world.settle()
    assert written(world)["EndpointSlice"]["endpoints"]


def test_what_is_there_stays_until_a_new_operator_has_looked() -> None:
    world = running(service={"enabled": True})
    for action in asked(world, EnsureObject):
        world.answers.pop(action.fingerprint, None)
    blind = dataclasses.replace(world.observe(), probe=None)
    plan = cluster.plan(world.target, blind, now=world.now)
    assert not [action for action in plan.actions if isinstance(action, EnsureObject)]


def test_objects_belong_to_their_cluster_and_no_other() -> None:
    world = running(service={"enabled": True})
    for body in written(world).values():
        (owner,) = body["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["name"], owner["uid"]) == ("DaskCluster", "demo", "u-1")


def test_names_are_within_kubernetes_limits_and_meet_no_other() -> None:
    world = World()

    def named(name: str) -> tuple[str, str]:
        world.body["metadata"]["name"] = name
        return bindings.secret_name(world.target), bindings.service_name(world.target)

    names = [named(name) for name in ("demo", "de.mo", "de-mo", "1st", "x" * 63, "x" * 64, "y" * 253, "y" * 252)]
    assert names[0] == ("demo-binding", "demo-scheduler")
    assert all(len(secret) <= 253 and len(service) <= 63 and service[0].isalpha() for secret, service in names)
    assert all("." not in service for _, service in names)
    assert len({secret for secret, _ in names}) == len({service for _, service in names}) == len(names)


def test_a_name_that_is_cut_at_a_dot_is_still_a_name() -> None:
    world = World()
    for name in ("a." * 126 + "a", "b" + ".a" * 126):
        world.body["metadata"]["name"] = name
        labels = bindings.secret_name(world.target).split(".")
        assert all(re.fullmatch("[a-z0-9]([-a-z0-9]*[a-z0-9])?", label) for label in labels)


def test_a_cluster_is_ready_only_when_its_binding_secret_is_there() -> None:
    world = World()
    while not asked(world, EnsureObject):
        plan = world.step()
        world.pass_time(1)
    ready = find_condition(plan.status.conditions, "Ready")
    assert ready
    assert ready.status == "False"
    assert plan.status.binding is None
    world.settle()
    assert world.target.cluster.status.binding


def test_only_what_differs_is_patched() -> None:
    wanted = {"spec": {"ports": [{"port": 1}], "type": "ClusterIP"}, "endpoints": []}
    found = {"spec": {"ports": [{"port": 2}], "type": "ClusterIP", "clusterIP": "10.0.0.1"}, "metadata": {"uid": "u"}}
    assert bindings.changes(found, wanted) == {"spec": {"ports": [{"port": 1}]}}
    assert bindings.changes({**found, **wanted}, wanted) == {}


def test_a_restarted_operator_believes_that_what_it_wrote_is_there_until_it_looks() -> None:
    world = running(service={"enabled": True})
    status = world.target.cluster.status
    new = functools.partial(recall.recall, status)
    observed = dataclasses.replace(world.observe(), known=Known(recall=new))
    again = cluster.plan(world.target, observed, now=world.now)
    assert not [action for action in again.actions if isinstance(action, EnsureObject)]
    assert again.status.written == status.written

    memory = Memory.of(world.target.cluster, busy=False, now=world.now)
    secret = next(action for action in asked(world, EnsureObject) if action.kind == "Secret")
    assert memory.known(status, {}).answer(secret) == status.written.secret
    assert memory.forget_objects()
    assert memory.known(status, {}).answer(secret) is None


def test_what_others_did_to_an_object_is_told_without_its_values() -> None:
    (secret,) = asked(running(), EnsureObject)
    assert bindings.mended(secret, None) == "Secret demo-binding was deleted; it is made again."
    patch = {"data": {"uri": "c2VjcmV0", "port": "MQ=="}, "type": "x"}
    told = "Secret demo-binding was changed (data.uri, data.port, type); it is as it was."
    assert bindings.mended(secret, patch) == told
