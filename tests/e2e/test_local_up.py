"""`dask-ecs local`, as a person uses it: in a terminal, until Ctrl-C."""

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from dask_ecs.local import kubectl
from dask_ecs.local.controlplane.run import ControlPlane

_COMMAND = [sys.executable, "-c", "from dask_ecs.local.cli import local; local()"]


@dataclass(frozen=True)
class Up:
    """A running command, and what the lines that it printed give a shell."""

    process: subprocess.Popen[str]
    exports: Mapping[str, str]

    def aws(self, *arguments: str) -> str:
        environment = {**os.environ, **self.exports}
        return subprocess.run(
            [Path(sys.executable).parent / "aws", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout

    def kubectl(self, *arguments: str) -> str:
        return kubectl.run(*arguments, kubeconfig=Path(self.exports["KUBECONFIG"]))

    def below(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


@contextlib.contextmanager
def _local(*arguments: str, folder: Path) -> Iterator[Up]:
    """Run `dask-ecs local`; its temporary files go to `folder`."""
    with subprocess.Popen(
        [*_COMMAND, *arguments], stdout=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(folder)}
    ) as process:
        try:
            assert process.stdout is not None
            exports: dict[str, str] = {}
            for line in process.stdout:  # the suite's timeout is the deadline
                name, _, value = line.removeprefix("export ").partition("=")
                exports[name] = "".join(shlex.split(value))
                if name == "PATH":
                    break
            yield Up(process, exports)
        finally:
            process.kill()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_up_gives_a_shell_kubernetes_and_aws_and_an_interrupt_ends_both(tmp_path: Path, end: signal.Signals) -> None:
    with _local("up", folder=tmp_path) as up:
        assert "daskclusters.ecs.dask.org" in up.kubectl("get", "crd", "--output=name")
        assert json.loads(up.aws("ecs", "list-clusters")) == {"clusterArns": []}
        below = up.below()
        assert {"etcd", "kube-apiserver", "kube-controller-manager"} < {process.name() for process in below}
        up.process.send_signal(end)
        assert up.process.wait(timeout=30) == 0
    _, alive = psutil.wait_procs(below, timeout=10)
    assert alive == []
    assert list(tmp_path.iterdir()) == []


def test_no_process_of_the_stack_survives_sigkill(tmp_path: Path) -> None:
    with _local("up", folder=tmp_path) as up:
        below = up.below()
        assert below
        up.process.kill()
    _, alive = psutil.wait_procs(below, timeout=10)
    assert alive == []


def test_up_ends_with_an_error_when_a_part_of_it_dies(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with _local("up", folder=tmp_path) as up:
        next(process for process in up.below() if process.name() == "etcd").kill()
        assert up.process.wait(timeout=30) == 1
    assert "etcd ended with" in capfd.readouterr().err


def test_up_on_a_given_context_makes_no_control_plane_of_its_own(control_plane: ControlPlane, tmp_path: Path) -> None:
    arguments = ("--kubeconfig", str(control_plane.kubeconfig), "--context", "dask-ecs-local", "--no-crds")
    with _local("up", *arguments, folder=tmp_path) as up:
        assert control_plane.url in up.kubectl("cluster-info")
        assert "etcd" not in {process.name() for process in up.below()}
        up.process.terminate()
        assert up.process.wait(timeout=30) == 0
    assert list(tmp_path.iterdir()) == []


def test_control_plane_brings_up_kubernetes_alone(tmp_path: Path) -> None:
    with _local("control-plane", folder=tmp_path) as up:
        assert "namespace/default" in up.kubectl("get", "namespaces", "--output=name")
        assert up.exports.keys() == {"KUBECONFIG", "PATH"}
        up.process.send_signal(signal.SIGINT)
        assert up.process.wait(timeout=30) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("control-plane",), "has no etcd: point it to a folder that has etcd and kube-apiserver"),
        (("up", "--context", "nowhere"), "cannot locate context nowhere"),
    ],
)
def test_what_is_missing_is_said_without_a_traceback(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    done = subprocess.run(
        [*_COMMAND, *arguments],
        env={**os.environ, "KUBEBUILDER_ASSETS": str(tmp_path), "KUBECONFIG": str(tmp_path / "none")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
