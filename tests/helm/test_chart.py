"""The chart as a thing to publish."""

import importlib.metadata
import tarfile
from pathlib import Path

import yaml

from helm.installed import CHART, run

CRD = "ecs.dask.org_daskclusters.yaml"


def test_helm_finds_nothing_to_complain_of() -> None:
    assert "1 chart(s) linted, 0 chart(s) failed" in run("lint", "--strict", str(CHART))


def test_the_packaged_chart_holds_the_generated_custom_resource_definition(tmp_path: Path) -> None:
    run("package", str(CHART), "--destination", str(tmp_path))

    (package,) = tmp_path.glob("*.tgz")
    with tarfile.open(package) as archive:
        packed = archive.extractfile(f"dask-ecs-operator/crds/{CRD}")
        assert packed is not None
        assert packed.read() == (CHART.parents[1] / "crds" / CRD).read_bytes()


def test_the_chart_installs_the_version_beside_which_it_lies() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert chart["appVersion"] == importlib.metadata.version("dask-ecs-operator")
