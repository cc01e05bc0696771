"""Which programs are run, and when they are built. A stand-in for `go` spares the minutes that a build takes."""

import shutil
import subprocess
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from dask_ecs.local.cli import local
from dask_ecs.local.controlplane import binaries, build

_GO = """#!/bin/sh
if [ "$1" = version ]; then echo "go version go{version} linux/amd64"; exit; fi
echo built >> {builds}
[ {fails} = yes ] && {{ echo "no space left"; exit 1; }}
while [ "$1" != -o ]; do shift; done
echo "#!/bin/sh" > "$2"
"""


class Toolchain:
    """A `go` of any version that builds at once."""

    def __init__(self, folder: Path, *, version: str = "99.0.0", fails: bool = False) -> None:
        self._builds = folder / "builds"
        self._program = folder / "bin" / "go"
        self._program.parent.mkdir()
        self._program.write_text(_GO.format(version=version, builds=self._builds, fails="yes" if fails else "no"))
        self._program.chmod(0o755)
        self.environment = {"PATH": f"{self._program.parent}:/usr/bin:/bin", "XDG_CACHE_HOME": str(folder / "cache")}

    @property
    def builds(self) -> int:
        return len(self._builds.read_text().splitlines()) if self._builds.exists() else 0


def _touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).touch()


def test_kubebuilder_assets_come_before_a_build(tmp_path: Path) -> None:
    toolchain = Toolchain(tmp_path)
    assets = tmp_path / "assets"
    assets.mkdir()
    _touch(assets, "etcd", "kube-apiserver")
    found = binaries.find({**toolchain.environment, "KUBEBUILDER_ASSETS": str(assets)})
    assert found == binaries.Binaries(assets / "etcd", assets / "kube-apiserver", None)
    assert toolchain.builds == 0


def test_a_controller_manager_among_the_assets_is_used(tmp_path: Path) -> None:
    _touch(tmp_path, "etcd", "kube-apiserver", "kube-controller-manager")
    found = binaries.find({"KUBEBUILDER_ASSETS": str(tmp_path)})
    assert found.kube_controller_manager == tmp_path / "kube-controller-manager"


def test_assets_without_an_api_server_are_refused_by_name(tmp_path: Path) -> None:
    _touch(tmp_path, "etcd")
    with pytest.raises(binaries.MissingBinaryError, match="has no kube-apiserver"):
        binaries.find({"KUBEBUILDER_ASSETS": str(tmp_path)})


def test_it_is_built_once_and_announced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    toolchain = Toolchain(tmp_path)
    first = binaries.find(toolchain.environment)
    assert "Building a Kubernetes v" in capsys.readouterr().err
    assert binaries.find(toolchain.environment) == first
    assert toolchain.builds == 1
    assert capsys.readouterr().err == ""
    assert {first.etcd.resolve(), first.kube_apiserver.resolve()} == {first.etcd.parent / "controlplane"}
    assert first.kube_controller_manager is not None


def test_a_command_builds_it_ahead_and_says_where_it_is(tmp_path: Path) -> None:
    toolchain = Toolchain(tmp_path)
    for _ in range(2):
        done = CliRunner(env=toolchain.environment).invoke(local, ["build"], catch_exceptions=False)
        assert Path(done.stdout.strip()) == binaries.find(toolchain.environment).etcd.parent
    assert toolchain.builds == 1


def test_two_that_ask_at_once_build_once(tmp_path: Path) -> None:
    toolchain = Toolchain(tmp_path)
    found: list[Path] = []
    threads = [
        threading.Thread(target=lambda: found.append(build.cached_or_built(toolchain.environment))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(found) == 4
    assert len(set(found)) == 1
    assert toolchain.builds == 1


def test_a_failed_build_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    toolchain = Toolchain(tmp_path, fails=True)
    with pytest.raises(build.BuildError, match="no space left"):
        build.cached_or_built(toolchain.environment)
    cache = build.cache_folder(toolchain.environment)
    assert [path.name for path in cache.iterdir()] == ["lock"]


def test_go_on_path_comes_before_that_of_pypi(tmp_path: Path) -> None:
    toolchain = Toolchain(tmp_path)
    assert build.find_go(toolchain.environment).program == tmp_path / "bin" / "go"


@pytest.mark.parametrize("version", ["1.18", "1.25.9"])
def test_a_go_on_path_that_is_too_old_is_passed_over(tmp_path: Path, version: str) -> None:
    toolchain = Toolchain(tmp_path, version=version)
    assert build.find_go(toolchain.environment).program != tmp_path / "bin" / "go"


def test_a_go_on_path_that_does_not_run_is_passed_over(tmp_path: Path) -> None:
    broken = tmp_path / "go"
    broken.write_text("#!/bin/sh\necho no such version >&2\nexit 127\n")
    broken.chmod(0o755)
    assert build.find_go({"PATH": str(tmp_path)}).program != broken


def test_the_toolchain_of_pypi_runs_and_is_new_enough() -> None:
    toolchain = build.find_go({"PATH": ""})
    assert toolchain.root is not None
    output = subprocess.run(
        [toolchain.program, "version"], env={"GOROOT": str(toolchain.root)}, capture_output=True, text=True, check=True
    ).stdout
    needed = build.required_go((build.SOURCES / "go.mod").read_text())
    assert build.go_version(output) >= needed > (1, 20)


@pytest.mark.parametrize("changed", ["main.go", "go.mod", "go.sum", "more.go"])
def test_a_changed_source_or_pin_is_another_build(tmp_path: Path, changed: str) -> None:
    sources = tmp_path / "src"
    shutil.copytree(build.SOURCES, sources)
    before = build.key(sources)
    assert before == build.key(build.SOURCES)
    with (sources / changed).open("a") as source:
        source.write("// changed\n")
    assert build.key(sources) != before


def test_the_cache_is_where_xdg_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert build.cache_folder({"XDG_CACHE_HOME": str(tmp_path)}).is_relative_to(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for relative in ({}, {"XDG_CACHE_HOME": ""}, {"XDG_CACHE_HOME": "relative"}):
        assert build.cache_folder(relative).is_relative_to(tmp_path / ".cache")
