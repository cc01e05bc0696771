"""`dask-ecs demo`, as a person runs it. The whole of it is `make demo`, which CI runs besides the tests."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from dask_ecs.cli import main
from dask_ecs.local import kubectl
from dask_ecs.local.controlplane.run import ControlPlane

_EXAMPLES = Path(__file__).parents[2] / "examples"


@contextlib.contextmanager
def _demo(*arguments: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run it; its temporary files go to `folder`."""
    with subprocess.Popen(
        [sys.executable, "-c", "from dask_ecs.cli import main; main()", "demo", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(folder)},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _read_until(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdout is not None
    assert any(text in line for line in process.stdout)  # the suite's timeout is the deadline


def test_help_says_what_is_real_and_what_is_not() -> None:
    done = CliRunner().invoke(main, ["demo", "--help"])
    assert done.exit_code == 0
    assert "Kubernetes, the operator and Dask are real; AWS is `dask-ecs local aws`" in " ".join(done.output.split())


def test_without_the_manifests_it_says_where_to_run_it(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["demo", "--examples", str(tmp_path)])
    assert done.exit_code == 1
    assert f"Error: {tmp_path}/fargate.yaml is not here: run this in a clone of the repository" in done.output


def test_a_manifest_that_kubernetes_refuses_ends_it(control_plane: ControlPlane, tmp_path: Path) -> None:
    examples = shutil.copytree(_EXAMPLES, tmp_path / "examples")
    manifest = examples / "fargate.yaml"
    manifest.write_text(manifest.read_text().replace("cpu: 4", "cpu: 5"))
    arguments = ("--examples", str(examples), "--kubeconfig", str(control_plane.kubeconfig))
    with _demo(*arguments, folder=tmp_path) as process:
        output, errors = process.communicate()
    assert process.returncode == 1
    assert "Fargate" in output  # why, as kubectl says it
    assert errors.startswith(f"Error: `kubectl apply -f {manifest}` ended with 1\nThe operator's log: {tmp_path}/")


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_in_the_middle_leaves_no_process(tmp_path: Path, end: signal.Signals) -> None:
    with _demo("--examples", str(_EXAMPLES), folder=tmp_path) as process:
        _read_until(process, "Run 4 workers")
        below = psutil.Process(process.pid).children(recursive=True)
        assert "etcd" in {each.name() for each in below}
        process.send_signal(end)
        _, errors = process.communicate()
    assert process.returncode == 1
    assert "Aborted!" in errors
    _, alive = psutil.wait_procs(below, timeout=10)
    assert alive == []
    left = [each.name for each in tmp_path.iterdir()]
    assert len(left) == 1, left
    assert left[0].startswith("dask-ecs-operator-")  # its log


def test_what_is_kept_can_be_used_until_it_is_interrupted(tmp_path: Path) -> None:
    with _demo("--keep", "--examples", str(_EXAMPLES), folder=tmp_path) as process:
        _read_until(process, "It stays until Ctrl-C")
        assert process.stdout is not None
        (dashboard,) = re.findall(r"http://\S+", next(line for line in process.stdout if "dashboard" in line))
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(dashboard, timeout=30) as page:
            assert b"Dask" in page.read()
        _read_until(process, "export PATH")
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate()
    assert process.returncode == 0, f"{output}\n{errors}"


def test_an_interrupt_leaves_nothing_in_a_given_cluster(control_plane: ControlPlane, tmp_path: Path) -> None:
    def namespaces() -> str:
        return kubectl.run("get", "namespaces", "--output=name", kubeconfig=control_plane.kubeconfig)

    before = namespaces()
    arguments = ("--examples", str(_EXAMPLES), "--kubeconfig", str(control_plane.kubeconfig))
    with _demo(*arguments, folder=tmp_path) as process:
        _read_until(process, "Run 4 workers")
        assert namespaces() != before
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate()
    assert process.returncode == 1, output
    assert "Aborted!" in errors
    assert namespaces() == before
