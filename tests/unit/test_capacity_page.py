"""The manifests of docs/ec2-capacity.md are DaskClusters that the API takes."""

import pathlib
import re

import pytest
import yaml

from dask_ecs.api.capacity import Capacity
from dask_ecs.api.daskcluster import DaskCluster

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "ec2-capacity.md").read_text(encoding="utf-8")
MANIFESTS = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda manifest: manifest["metadata"]["name"])
def test_a_manifest_of_the_page_keeps_the_apis_rules(manifest: dict[str, dict[str, str]]) -> None:
    metadata = {"namespace": "default", **manifest["metadata"]}
    assert DaskCluster.read({**manifest, "metadata": metadata}).spec.capacity is not None


def test_the_page_tells_of_every_field() -> None:
    table = PAGE[PAGE.index("| field |") :]
    fields = {str(info.alias) for info in Capacity.model_fields.values()}
    assert fields == set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", table, re.MULTILINE))))
