"""The chart, rendered or installed on a real API server by a real helm."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from dask_ecs.local import kubectl
from dask_ecs.local.controlplane.run import ControlPlane
from helm import helm_binary

CHART = Path(__file__).parents[2] / "helm" / "dask-ecs-operator"

Values = Mapping[str, Any]


class HelmError(RuntimeError):
    """A helm command ended with an error; the message is what it wrote."""


def run(*arguments: str, values: Values | None = None, kubeconfig: Path | None = None, timeout: float = 60.0) -> str:
    """Run ``helm ARGUMENTS`` and return its standard output.

    ``values`` go to its standard input, where ``--values -`` reads them. ``timeout`` is in seconds.
    Raises :class:`HelmError`, or :class:`subprocess.TimeoutExpired`.
    """
    done = subprocess.run(
        [helm_binary.path(), *arguments],
        # Without a kubeconfig helm must not find the user's own cluster.
        env={**os.environ, "KUBECONFIG": str(kubeconfig or os.devnull)},
        input=json.dumps(values or {}),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if done.returncode != 0:
        raise HelmError(f"helm {' '.join(arguments)} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def rendered(values: Values | None = None, *, release: str = "dask", namespace: str = "ops") -> list[dict[str, Any]]:
    """Return the manifests that the chart makes of ``values``. Raises :class:`HelmError`."""
    output = run("template", release, str(CHART), "--namespace", namespace, "--values", "-", values=values)
    return [manifest for manifest in yaml.safe_load_all(output) if manifest]


def install(control_plane: ControlPlane, release: str, namespace: str, values: Values | None = None) -> str:
    """Install the chart, or upgrade it, and return what helm says.

    There is no kubelet to wait for: the Deployment gets no pod. Raises :class:`HelmError`.
    """
    return run(
        *("upgrade", "--install", release, str(CHART), "--namespace", namespace, "--values", "-"),
        values=values,
        kubeconfig=control_plane.kubeconfig,
    )


def uninstall(control_plane: ControlPlane, release: str, namespace: str) -> str:
    """Uninstall a release, and return what helm says. Raises :class:`HelmError`."""
    return run("uninstall", release, "--namespace", namespace, kubeconfig=control_plane.kubeconfig)


def service_account_of(control_plane: ControlPlane, release: str, namespace: str) -> str:
    """Return the name of the service account that the release's pod would run as."""
    deployments = json.loads(
        kubectl.run(
            *("get", "deployments", "--namespace", namespace, "--output", "json"),
            *("--selector", f"app.kubernetes.io/instance={release}"),
            kubeconfig=control_plane.kubeconfig,
        )
    )
    (deployment,) = deployments["items"]
    return str(deployment["spec"]["template"]["spec"]["serviceAccountName"])


def kubeconfig_of_service_account(control_plane: ControlPlane, release: str, namespace: str) -> Path:
    """Return a kubeconfig, valid for an hour, with which one is what the installed operator would be.

    It lies in the control plane's directory, and goes with it.
    """
    account = service_account_of(control_plane, release, namespace)
    token = kubectl.run(
        *("create", "token", account, "--namespace", namespace, "--duration", "1h"),
        kubeconfig=control_plane.kubeconfig,
    ).strip()
    path = control_plane.directory / f"{namespace}-{release}.kubeconfig"
    path.touch(mode=0o600)
    path.write_text(control_plane.service_account_kubeconfig(token, namespace=namespace))
    return path
