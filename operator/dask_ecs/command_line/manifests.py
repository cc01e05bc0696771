"""DaskClusters from the files that a user would apply."""

import pathlib
import sys
from collections.abc import Iterator
from typing import Any

import click
import yaml

from dask_ecs.api.daskcluster import API_VERSION, KIND, DaskCluster, InvalidDaskClusterError
from dask_ecs.command_line import schema_check

STDIN = pathlib.Path("-")

FILE = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=pathlib.Path)
"""A file of manifests, as commands take it; `-` is standard input."""


def read(path: pathlib.Path, *, namespace: str = "default") -> list[DaskCluster]:
    """Return the DaskClusters of a file of manifests, those that name no namespace in `namespace`.

    Raises:
        click.ClickException: it is no YAML, holds none, or one breaks a rule of the API.

    """
    try:
        data = sys.stdin.buffer.read() if path == STDIN else path.read_bytes()
        found = list(_bodies(list(yaml.safe_load_all(data.decode())), path))
    except (yaml.YAMLError, ValueError) as error:  # ValueError: of the encoding, and of dates that are none
        raise click.ClickException(f"{path} is no YAML in UTF-8: {' '.join(str(error).split())}") from error
    if not found:
        raise click.ClickException(f"{path} holds no {KIND} of {API_VERSION}.")
    return [_read(body, path, namespace) for body in found]


def _bodies(found: list[Any], path: pathlib.Path) -> Iterator[dict[str, Any]]:
    for each in found:
        if not isinstance(each, dict):
            continue
        if each.get("kind") == KIND and each.get("apiVersion") == API_VERSION:
            yield each
        elif each.get("kind") == "List":
            items = each.get("items") or []
            if not isinstance(items, list):
                raise click.ClickException(f"{path}: items of a List have to be a list.")
            yield from _bodies(items, path)


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
