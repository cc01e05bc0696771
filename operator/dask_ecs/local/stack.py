"""The local stack: a Kubernetes control plane and an AWS, both of this machine, and what a shell needs to use them."""

import contextlib
import tempfile
from collections.abc import Iterator
from concurrent import futures
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import yaml

from dask_ecs.api.crd import crds
from dask_ecs.local import kubectl
from dask_ecs.local.aws.handle import LocalAWS, LocalAWSError
from dask_ecs.local.controlplane.run import ControlPlane


@dataclass(frozen=True)
class GivenCluster:
    """A Kubernetes cluster that the user named, in place of one made for the stack.

    What is not given is as kubectl would choose it: KUBECONFIG or ``~/.kube/config``, and the current context.
    """

    kubeconfig: Path | None = None
    context: str | None = None


@dataclass(frozen=True)
class Stack:
    """A running stack; ``with Stack.start() as stack`` makes one.

    ``control_plane`` is None when the cluster is a given one; ``kubeconfig`` names the right one in both cases.
    """

    kubeconfig: Path
    aws: LocalAWS
    control_plane: ControlPlane | None

    @classmethod
    @contextlib.contextmanager
    def start(
        cls,
        *,
        executor: Literal["process", "sim"] = "process",
        profile: str = "default",
        cluster: GivenCluster | None = None,
        install_crds: bool = True,
    ) -> Iterator[Self]:
        """Bring up a control plane (unless a ``cluster`` is given) and a local AWS, until the `with` block ends.

        ``executor`` and ``profile`` are those of :meth:`LocalAWS.start`. Raises what that and
        :meth:`ControlPlane.start` raise, and :class:`kubectl.KubectlError` when a given cluster is not there.
        """
        with contextlib.ExitStack() as ending, futures.ThreadPoolExecutor(max_workers=1) as beside:
            # Each takes some seconds, and neither needs the other.
            aws = beside.submit(ending.enter_context, LocalAWS.start(executor=executor, profile=profile))
            control_plane = None
            if cluster is None:
                control_plane = ending.enter_context(ControlPlane.start())
                kubeconfig = control_plane.kubeconfig
            else:
                folder = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="dask-ecs-kubeconfig-")))
                kubeconfig = _only_this_context(cluster, folder / "kubeconfig")
            if install_crds:
                apply_crds(kubeconfig)
            yield cls(kubeconfig=kubeconfig, aws=aws.result(), control_plane=control_plane)

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to use this stack, and nothing else."""
        return {"KUBECONFIG": str(self.kubeconfig), **self.aws.environment}

    def check(self) -> None:
        """Raise :class:`ControlPlaneError` or :class:`LocalAWSError` if a part of it has ended."""
        if self.control_plane is not None:
            self.control_plane.check()
        try:
            self.aws.calls()
        except OSError as error:
            raise LocalAWSError(f"the local AWS at {self.aws.url} has ended") from error


def apply_crds(kubeconfig: Path) -> None:
    """Apply the CRDs that this version has and wait until they are served. Raises :class:`kubectl.KubectlError`."""
    documents = crds()
    kubectl.run("apply", "--server-side", "--filename=-", kubeconfig=kubeconfig, stdin=yaml.safe_dump_all(documents))
    for document in documents:
        name, kind = f"crd/{document['metadata']['name']}", document["spec"]["names"]["kind"]
        # A new CRD's conditions are null, at which kubectl fails that waits for one of them; they come with this.
        for fact in (f"jsonpath={{.status.acceptedNames.kind}}={kind}", "condition=Established"):
            kubectl.run("wait", f"--for={fact}", "--timeout=30s", name, kubeconfig=kubeconfig)


def _only_this_context(cluster: GivenCluster, path: Path) -> Path:
    """Write to ``path`` a kubeconfig of the given cluster's context alone, which needs no other file."""
    context = [f"--context={cluster.context}"] if cluster.context else []
    flags = ["--minify", "--flatten", "--raw"]
    given = kubectl.run("config", "view", *flags, *context, kubeconfig=cluster.kubeconfig)
    path.touch(mode=0o600)
    path.write_text(given)
    return path
