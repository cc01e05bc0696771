"""DaskClusters from the files that a user would apply."""

import pathlib
from collections.abc import Iterator
from typing import Any

import click
import yaml

from dask_ecs.api.daskcluster import API_VERSION, KIND, DaskCluster, InvalidDaskClusterError
from dask_ecs.command_line import schema_check


def read(path: pathlib.Path, *, namespace: str = "default") -> list[DaskCluster]:
    """Return the DaskClusters of a file of manifests, those that name no namespace in `namespace`.

    Raises:
        click.ClickException: it is no YAML, holds none, or one breaks a rule of the API.

    """
    try:
        found = list(_bodies(list(yaml.safe_load_all(path.read_text(encoding="utf-8")))))
    except yaml.YAMLError as error:
        raise click.ClickException(f"{path} is no YAML: {error}") from error
    if not found:
        raise click.ClickException(f"{path} holds no {KIND} of {API_VERSION}.")
    return [_read(body, path, namespace) for body in found]


def _bodies(found: list[Any]) -> Iterator[dict[str, Any]]:
    for each in found:
        if not isinstance(each, dict):
            continue
        if each.get("kind") == KIND and each.get("apiVersion") == API_VERSION:
            yield each
        elif each.get("kind") == "List":
            yield from _bodies(each.get("items") or [])


def _read(body: dict[str, Any], path: pathlib.Path, namespace: str) -> DaskCluster:
    given = body.get("metadata") or {}
    metadata = {**given, "namespace": given.get("namespace") or namespace} if isinstance(given, dict) else {}
    where = f"{path}, {metadata.get('name') or 'without a name'}"
    try:
        if problems := schema_check.problems(body) or schema_check.problems_of_names(metadata):
            raise InvalidDaskClusterError(problems)
        return DaskCluster.read({"metadata": metadata, "spec": body.get("spec") or {}})
    except InvalidDaskClusterError as error:
        raise click.ClickException(f"{where}: {error}") from error
