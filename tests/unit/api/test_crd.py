from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dask_ecs.api.crd import check, crds, write
from dask_ecs.api.daskcluster import DaskCluster
from dask_ecs.api.spec import DaskClusterSpec
from dask_ecs.api.status import DaskClusterStatus, Launch, WorkerCounts

CRD_FOLDER = Path(__file__).parents[3] / "crds"


def fields(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each field below a schema, and each list's and map's items, with its path."""
    for name, field in schema.get("properties", {}).items():
        yield f"{path}.{name}", field
        yield from fields(field, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in schema:
            yield f"{path}[]", schema[key]
            yield from fields(schema[key], f"{path}[]")


def schema_of(part: str) -> dict[str, Any]:
    (crd,) = crds()
    found: dict[str, Any] = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"][part]
    return found


FIELDS = [(f"{part}{path}", field) for part in ("spec", "status") for path, field in fields(schema_of(part))]


def is_bounded(field: dict[str, Any]) -> bool:
    if field.get("x-kubernetes-int-or-string"):
        return "maxLength" in field
    match field["type"]:
        case "string":
            return "maxLength" in field or "enum" in field
        case "array":
            return "maxItems" in field
        case "object":
            return "properties" in field or "maxProperties" in field
        case _:
            return True


def test_the_files_are_those_that_the_models_give() -> None:
    assert check(CRD_FOLDER) == []


def test_what_is_written_is_up_to_date(tmp_path: Path) -> None:
    write(tmp_path / "new")

    assert check(tmp_path / "new") == []


def test_a_file_that_was_changed_by_hand_is_told_line_by_line(tmp_path: Path) -> None:
    write(tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_text(path.read_text().replace("maximum: 65535", "maximum: 65536", 1))

    lines = check(tmp_path)

    assert any(line.startswith("-") and "maximum: 65536" in line for line in lines)
    assert any(line.startswith("+") and "maximum: 65535" in line for line in lines)


def test_a_file_that_is_missing_is_told(tmp_path: Path) -> None:
    assert check(tmp_path) != []


@pytest.mark.parametrize(("path", "field"), FIELDS, ids=[path for path, _ in FIELDS])
def test_a_field_is_described_and_bounded(path: str, field: dict[str, Any]) -> None:
    assert path.endswith("[]") or field.get("description")
    assert is_bounded(field)


def test_what_the_api_server_fills_in_is_what_the_models_fill_in() -> None:
    assert DaskClusterSpec.model_validate(schema_of("spec")["default"]) == DaskClusterSpec()


def test_the_api_server_fills_nothing_into_the_status() -> None:
    assert [path for path, field in FIELDS if path.startswith("status") and "default" in field] == []


def test_every_field_that_the_models_write_is_in_the_schema() -> None:
    status = DaskClusterStatus(
        phase="Running",
        workers=WorkerCounts(desired=4, running=3),
        launches=(Launch(token="t", role="worker", count=4, request_hash="h", time="2026-01-31T12:00:00Z"),),
    )

    written = status.model_dump(mode="json")

    assert written["workers"] == {"desired": 4, "pending": 0, "running": 3, "updated": 0, "summary": "3/4"}
    assert written.keys() == schema_of("status")["properties"].keys()
    assert written["launches"][0].keys() == schema_of("status")["properties"]["launches"]["items"]["properties"].keys()
    assert DaskClusterStatus.model_validate(written) == status


def test_the_description_of_the_kind_is_the_models() -> None:
    (crd,) = crds()

    assert crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["description"] == DaskCluster.__doc__
