"""How a control plane starts and ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from dask_ecs.local import kubectl
from dask_ecs.local.controlplane import binaries
from dask_ecs.local.controlplane.run import ControlPlane, ControlPlaneError


@pytest.fixture(scope="module")
def programs() -> binaries.Binaries:
    return binaries.find(os.environ)


def test_two_run_side_by_side_and_know_nothing_of_each_other(control_plane: ControlPlane) -> None:
    with ControlPlane.start() as other:
        kubectl.run("create", "namespace", "side-by-side", kubeconfig=other.kubeconfig)
        assert kubectl.run("get", "namespace", "side-by-side", "--ignore-not-found", kubeconfig=other.kubeconfig)
        assert not kubectl.run(
            "get", "namespace", "side-by-side", "--ignore-not-found", kubeconfig=control_plane.kubeconfig
        )


def test_nothing_is_left_after_the_with_block() -> None:
    before = set(psutil.Process().children(recursive=True))
    with ControlPlane.start() as control_plane:
        assert set(psutil.Process().children(recursive=True)) - before
    assert set(psutil.Process().children(recursive=True)) <= before
    assert not control_plane.directory.exists()


def test_no_process_survives_sigkill_of_the_parent(tmp_path: Path) -> None:
    program = "\n".join(
        (
            "from dask_ecs.local.controlplane.run import ControlPlane",
            "with ControlPlane.start():",
            "    print('ready', flush=True)",
            "    input()",
        )
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        below = psutil.Process(parent.pid).children(recursive=True)
        assert {"etcd", "kube-apiserver", "kube-controller-manager"} <= {process.name() for process in below}
        parent.send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(below, timeout=10)
    assert alive == []


def test_without_a_controller_manager_it_runs_and_says_what_is_missing(
    programs: binaries.Binaries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "etcd").symlink_to(programs.etcd)
    (tmp_path / "kube-apiserver").symlink_to(programs.kube_apiserver)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    with ControlPlane.start() as control_plane:
        kubectl.run("get", "namespaces", kubeconfig=control_plane.kubeconfig)
    assert f"{tmp_path} has no kube-controller-manager" in capsys.readouterr().err


def test_etcd_variables_of_the_users_shell_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETCD_LISTEN_CLIENT_URLS", "http://127.0.0.1:2379")
    with ControlPlane.start() as control_plane:
        kubectl.run("get", "namespaces", kubeconfig=control_plane.kubeconfig)


def test_a_program_that_ends_early_is_named_with_the_end_of_its_log(
    programs: binaries.Binaries, tmp_path: Path
) -> None:
    broken = tmp_path / "kube-apiserver"
    broken.write_text("#!/bin/sh\necho the disk is full\nexit 3\n")
    broken.chmod(0o755)
    start = ControlPlane.start(binaries.Binaries(programs.etcd, broken, programs.kube_controller_manager))
    with pytest.raises(ControlPlaneError, match=r"(?s)kube-apiserver ended with 3:.*the disk is full"), start:
        pass


def test_a_program_that_hangs_is_given_up_after_the_deadline(programs: binaries.Binaries, tmp_path: Path) -> None:
    hanging = tmp_path / "kube-apiserver"
    hanging.write_text("#!/bin/sh\necho still thinking\nexec sleep 60\n")
    hanging.chmod(0o755)
    start = ControlPlane.start(
        binaries.Binaries(programs.etcd, hanging, programs.kube_controller_manager), deadline=1.0
    )
    with pytest.raises(ControlPlaneError, match=r"(?s)/readyz .*still thinking"), start:
        pass
