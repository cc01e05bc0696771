"""Manifests as commands read them: what `kubectl apply` refuses is refused, in one line."""

import json
from pathlib import Path
from typing import Any

import click
import pytest

from dask_ecs.api.daskcluster import API_VERSION, KIND, DaskCluster
from dask_ecs.command_line import manifests

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.yaml"))


def read(folder: Path, spec: Any, *, metadata: Any = None, namespace: str = "team", **top: Any) -> list[DaskCluster]:
    file = folder / "cluster.json"
    body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata or {"name": "demo"}, "spec": spec, **top}
    file.write_text(json.dumps(body))
    return manifests.read(file, namespace=namespace)


def refused(folder: Path, spec: Any, **other: Any) -> str:
    with pytest.raises(click.ClickException) as refusal:
        read(folder, spec, **other)
    return refusal.value.message.removeprefix(f"{folder / 'cluster.json'}, ")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_example_is_read(path: Path) -> None:
    assert manifests.read(path)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"worker": {"replicaz": 3}}, "spec.worker.replicaz: there is no such field; replicas perhaps?"),
        ({"workers": {"xyz": 3}}, "spec.workers: there is no such field; worker perhaps?"),
        ({"environment": [{"nme": "a"}]}, "spec.environment[0].nme: there is no such field; name"),
        ({"zzz": 1}, "spec.zzz: there is no such field"),
        ({"worker": {"cpu": 0.5}}, "spec.worker.cpu: has to be a whole number, or a text in quotes"),
        ({"worker": {"cpu": True}}, "spec.worker.cpu: has to be a whole number, or a text in quotes"),
        ({"worker": {"replicas": "3"}}, "spec.worker.replicas: has to be a whole number, without quotes"),
        ({"suspend": "true"}, "spec.suspend: has to be true or false"),
        ({"environment": [{"name": "A", "value": 1}]}, "spec.environment[0].value: has to be a text, in quotes"),
        ({"environment": {"A": "1"}}, "spec.environment: has to be a list"),
        ({"worker": {"runTaskOverrides": "{}"}}, "spec.worker.runTaskOverrides: has to be an object"),
        ([1], "spec: has to be an object"),
        (
            {"environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "1"}, {"name": "A", "value": "2"}]},
            'spec.environment[2]: {"name": "A"} stands there before: leave one of them out',
        ),
        (
            {"network": {"subnets": ["subnet-0123456789abcdef0"] * 2}},
            'spec.network.subnets[1]: "subnet-0123456789abcdef0" stands there before',
        ),
    ],
)
def test_what_the_schema_does_not_have_is_refused_with_its_path(tmp_path: Path, spec: Any, says: str) -> None:
    assert refused(tmp_path, spec).startswith(f"demo: {says}")


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    said = refused(tmp_path, {"worker": {"replicaz": 3, "cpu": 0.5}}, sepc={})
    assert "spec.worker.replicaz: " in said
    assert "spec.worker.cpu: " in said
    assert "sepc: there is no such field; spec perhaps?" in said


@pytest.mark.parametrize(
    ("metadata", "namespace", "says"),
    [
        ({"name": "A_B c"}, "team", "A_B c: metadata.name: 'A_B c' is no name for Kubernetes: write at most 253 lower"),
        ({"name": "a."}, "team", "a.: metadata.name: 'a.' is no name"),
        ({"name": "demo"}, "A B", "demo: metadata.namespace: 'A B' is no name for Kubernetes: write at most 63 lower"),
        ({"name": "demo", "namespace": "a.b"}, "team", "demo: metadata.namespace: 'a.b' is no name"),
        ({"namespace": "team"}, "team", "without a name: metadata.name: Field required"),
    ],
)
def test_names_are_those_that_kubernetes_takes(tmp_path: Path, metadata: Any, namespace: str, says: str) -> None:
    assert refused(tmp_path, {}, metadata=metadata, namespace=namespace).startswith(says)


def test_what_kubectl_takes_is_taken(tmp_path: Path) -> None:
    overrides = {"tags": [{"key": "a", "anything": 1.5}]}
    spec = {"worker": {"cpu": 4.0, "replicas": 2, "image": None, "runTaskOverrides": overrides}, "tags": {"a": "b"}}
    metadata = {"name": "demo.2", "labels": {"a": "b"}, "managedFields": []}
    (found,) = read(tmp_path, spec, metadata=metadata, status={"nonsense": 1})
    assert (found.metadata.namespace, found.spec.worker.replicas) == ("team", 2)
    assert read(tmp_path, None)[0].spec.worker.replicas == 0


def test_fields_without_a_value_have_their_defaults(tmp_path: Path) -> None:
    (cluster,) = read(tmp_path, {"worker": None, "tags": None, "scheduler": {"memory": None}})
    assert cluster.spec.worker.replicas == 0
    assert cluster.spec.scheduler.memory == "4Gi"


def test_what_looks_like_a_date_is_a_text(tmp_path: Path) -> None:
    file = tmp_path / "cluster.yaml"
    file.write_text(
        f"apiVersion: {API_VERSION}\nkind: {KIND}\nmetadata: {{name: demo}}\n"
        "spec: {environment: [{name: SINCE, value: 2026-01-31}]}\n"
    )
    (cluster,) = manifests.read(file)
    assert [variable.value for variable in cluster.spec.environment] == ["2026-01-31"]
