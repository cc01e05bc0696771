"""The CustomResourceDefinitions, made from the models, as objects and as the files in `crds/`."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import yaml

from dask_ecs.api.daskcluster import CATEGORY, GROUP, KIND, PLURAL, SHORT_NAME, SINGULAR, VERSION, DaskCluster
from dask_ecs.api.spec import DaskClusterSpec
from dask_ecs.api.status import DaskClusterStatus
from dask_ecs.api.structural_schema import structural_schema

if TYPE_CHECKING:
    from pathlib import Path


class _Dumper(yaml.SafeDumper):
    """Writes what occurs twice twice: anchors are hard to read, and change wherever a field is added."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_HEADER = "# Made by `make crds` from the models in operator/dask_ecs/api: change those.\n"

_COLUMNS = (
    {"name": "Status", "type": "string", "jsonPath": ".status.phase"},
    {
        "name": "Workers",
        "type": "string",
        "jsonPath": ".status.workers.summary",
        "description": "Running and desired workers.",
    },
    {"name": "Launch Type", "type": "string", "jsonPath": ".status.launchType"},
    {"name": "Address", "type": "string", "jsonPath": ".status.schedulerAddress"},
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    {"name": "Image", "type": "string", "jsonPath": ".status.image", "priority": 1},
    {"name": "Dashboard", "type": "string", "jsonPath": ".status.dashboardLink", "priority": 1},
    {
        "name": "Reason",
        "type": "string",
        "jsonPath": '.status.conditions[?(@.type=="Ready")].reason',
        "description": "Why the cluster is Ready or not.",
        "priority": 1,
    },
)


def crds() -> list[dict[str, Any]]:
    """Return the CustomResourceDefinitions, ready for the API server."""
    return [_dask_cluster()]


def write(folder: Path) -> None:
    """Write each CRD to its file in the folder, made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in _files().items():
        (folder / name).write_text(text, encoding="utf-8")


def check(folder: Path) -> list[str]:
    """Return the lines in which the folder's files differ from what `write` would write: none if it is up to date."""
    lines: list[str] = []
    for name, text in _files().items():
        path = folder / name
        found = path.read_text(encoding="utf-8") if path.exists() else ""
        lines += difflib.unified_diff(found.splitlines(), text.splitlines(), str(path), "the models", lineterm="")
    return lines


def _files() -> dict[str, str]:
    return {
        f"{crd['spec']['group']}_{crd['spec']['names']['plural']}.yaml": _HEADER
        + yaml.dump(crd, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
        for crd in crds()
    }


def _dask_cluster() -> dict[str, Any]:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": SINGULAR,
                "shortNames": [SHORT_NAME],
                "categories": [CATEGORY],
            },
            "scope": "Namespaced",
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "additionalPrinterColumns": [dict(column) for column in _COLUMNS],
                    "subresources": {
                        "status": {},
                        "scale": {
                            "specReplicasPath": ".spec.worker.replicas",
                            "statusReplicasPath": ".status.replicas",
                            "labelSelectorPath": ".status.selector",
                        },
                    },
                    "schema": {"openAPIV3Schema": _object_schema()},
                }
            ],
        },
    }


def _object_schema() -> dict[str, Any]:
    spec = structural_schema(DaskClusterSpec, defaults=True)
    spec["default"] = {name: field["default"] for name, field in spec["properties"].items() if "default" in field}
    return {
        "type": "object",
        "description": DaskCluster.__doc__,
        "properties": {
            "apiVersion": {"type": "string", "description": "Version of the API that the object is written for."},
            "kind": {"type": "string", "description": f"The kind of the object: {KIND}."},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": structural_schema(DaskClusterStatus, defaults=False),
        },
    }
