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


class _Loader(yaml.SafeLoader):
    """Reads YAML as kubectl does: what looks like a date is a text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(path: pathlib.Path, *, namespace: str = "default") -> list[DaskCluster]:
    """Return the DaskClusters of a file of manifests, those that name no namespace in `namespace`.

    Raises:
        click.ClickException: it is no YAML, holds none, or one breaks a rule of the API.

    """
    try:
        data = sys.stdin.buffer.read() if path == STDIN else path.read_bytes()
        found = list(_bodies(list(yaml.load_all(data.decode(), Loader=_Loader)), path))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
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
        return DaskCluster.read({"metadata": metadata, "spec": _without_nulls(body.get("spec") or {})})
    except InvalidDaskClusterError as error:
        raise click.ClickException(f"{where}: {error}") from error


def _without_nulls(value: Any) -> Any:
    """Return what the API server makes of fields without a value: it prunes them, and gives them their defaults."""
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value
