from typing import Any

from dask_ecs.controllers.store import Store, is_settled


def body(*, uid: str = "u", version: int = 1) -> dict[str, Any]:
    metadata = {"namespace": "ns", "name": "demo", "uid": uid, "resourceVersion": str(version), "generation": 1}
    return {"metadata": metadata}


def version(store: Store) -> str:
    found = store.get("ns/demo")
    assert found is not None
    return str(found["metadata"]["resourceVersion"])


def test_an_older_version_does_not_replace_a_newer_one() -> None:
    store = Store()
    store.put(body(version=10))
    store.put(body(version=9))
    assert version(store) == "10"
    store.put(body(version=11))
    assert version(store) == "11"


def test_a_successor_of_the_same_name_replaces_its_predecessor() -> None:
    store = Store()
    store.put(body(uid="old", version=10))
    store.put(body(uid="new", version=12))
    assert version(store) == "12"


def test_the_end_of_a_predecessor_does_not_take_its_successor() -> None:
    store = Store()
    store.put(body(uid="new"))
    store.remove("ns/demo", uid="old")
    assert store.get("ns/demo") is not None
    store.remove("ns/demo", uid="new")
    assert store.get("ns/demo") is None


def test_what_is_known_already_is_no_news() -> None:
    store = Store()
    assert store.put(body(version=10))
    assert not store.put(body(version=10))
    assert not store.put(body(version=9))
    assert store.put(body(version=11))


def test_an_object_is_as_it_came_but_for_who_manages_its_fields() -> None:
    store = Store()
    came = {**body(), "spec": {"worker": {"replicas": 2, "cpu": "é"}}, "status": {"conditions": [{"type": "Ready"}]}}
    store.put({**came, "metadata": {**came["metadata"], "managedFields": [{"manager": "kubectl"}]}})
    assert store.get("ns/demo") == came


def settled(**changes: Any) -> bool:
    metadata = {"generation": 2, **changes.pop("metadata", {})}
    status = {"observedGeneration": 2, "schedulerAddress": "tls://10.0.0.1:8786", "launches": [], **changes}
    return is_settled({"metadata": metadata, "status": status})


def test_what_nobody_asks_anything_of_and_runs_is_settled() -> None:
    assert settled()
    assert not settled(observedGeneration=1), "it was edited"
    assert not settled(metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"})
    assert not settled(launches=[{"token": "t"}]), "nobody knows what came of it"
    assert not is_settled({"metadata": {"generation": 1}}), "it is new"


def test_whether_an_object_is_settled_is_known_without_unpacking_it() -> None:
    store = Store()
    assert not store.is_settled("ns/demo")
    store.put(body(version=1))
    assert not store.is_settled("ns/demo")
    store.put({**body(version=2), "status": {"observedGeneration": 1, "schedulerAddress": "tls://10.0.0.1:8786"}})
    assert store.is_settled("ns/demo")
