"""Start a control plane, wait until it works, and end it."""

import contextlib
import datetime
import http
import http.client
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from dask_ecs.local import die_with_parent
from dask_ecs.local.controlplane import binaries, commands
from dask_ecs.local.controlplane.certificates import CertificateAuthority, service_account_key
from dask_ecs.local.controlplane.kubeconfig import BearerToken, kubeconfig
from dask_ecs.local.errors import LocalError

_POLL_INTERVAL = 0.05  # seconds
_LOG_TAIL = 20  # lines


class ControlPlaneError(LocalError):
    """The control plane ended early, or did not become ready in time. The message has the end of its log."""


class ControlPlane:
    """A running control plane; ``with ControlPlane.start() as control_plane`` makes one.

    ``url`` is the API server's, ``authority`` the certificate (PEM) to check it against. ``directory`` has the data
    and a log for each program, and goes when the control plane ends.
    """

    def __init__(self, *, url: str, directory: Path, authority: CertificateAuthority) -> None:
        self.url = url
        self.directory = directory
        self.authority = authority.certificate
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._write_credentials(authority)

    @classmethod
    @contextlib.contextmanager
    def start(cls, programs: binaries.Binaries | None = None, *, deadline: float = 60.0) -> Iterator[Self]:
        """Run ``programs``, by default those that :func:`binaries.find` finds, until the `with` block ends.

        They end with this process too, however it ends. Raises :class:`ControlPlaneError` when they are not ready
        after ``deadline`` seconds, and what :func:`binaries.find` raises.
        """
        programs = programs or binaries.find(os.environ)
        until = time.monotonic() + deadline
        with contextlib.ExitStack() as ending:
            directory = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="dask-ecs-control-plane-")))
            port = ending.enter_context(_reserved_port())
            authority = CertificateAuthority(now=datetime.datetime.now(datetime.UTC))
            plane = cls(url=f"https://127.0.0.1:{port}", directory=directory, authority=authority)
            ending.callback(plane._stop)
            plane._run(commands.etcd(programs.etcd))
            plane._run(commands.kube_apiserver(programs.kube_apiserver, port=port))
            plane._await("/readyz", until=until)
            if programs.kube_controller_manager is None:
                print(
                    f"{programs.etcd.parent} has no kube-controller-manager: namespaces will not finish deleting and "
                    "what loses its owner stays. Unset KUBEBUILDER_ASSETS to have one built.",
                    file=sys.stderr,
                )
            else:
                plane._run(commands.kube_controller_manager(programs.kube_controller_manager))
                plane._await("/api/v1/namespaces/default/serviceaccounts/default", until=until)
            yield plane

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig file."""
        return self.directory / "kubeconfig"

    def check(self) -> None:
        """Raise :class:`ControlPlaneError` if one of its programs has ended."""
        for name, process in self._running.items():
            if process.poll() is not None:
                raise ControlPlaneError(f"{name} ended with {process.returncode}:\n{self._log_tail(name)}")

    def log(self, program: str) -> Path:
        """Return the file that holds the output of ``program``, such as kube-apiserver."""
        return self.directory / f"{program}.log"

    def service_account_kubeconfig(self, token: str, *, namespace: str = "default") -> str:
        """Return a kubeconfig, as YAML, for whoever ``token`` (``kubectl create token``) belongs to."""
        return kubeconfig(url=self.url, authority=self.authority, user=BearerToken(token), namespace=namespace)

    def _write_credentials(self, authority: CertificateAuthority) -> None:
        server = authority.server(names=["localhost"], addresses=["127.0.0.1"])
        administrator = authority.client(user="dask-ecs-local", groups=["system:masters"])
        service_accounts = service_account_key()
        admin_kubeconfig = kubeconfig(url=self.url, authority=authority.certificate, user=administrator)
        files = {
            "ca.crt": authority.certificate,
            "apiserver.crt": server.public,
            "apiserver.key": server.key,
            "admin.pem": administrator.public + administrator.key,
            "service-account.pub": service_accounts.public,
            "service-account.key": service_accounts.key,
            "kubeconfig": admin_kubeconfig.encode(),
        }
        for name, content in files.items():
            (self.directory / name).write_bytes(content)

    def _run(self, command: list[str]) -> None:
        name = Path(command[0]).name
        # etcd refuses to start where its own variables contradict its flags.
        environment = {key: value for key, value in os.environ.items() if not key.startswith("ETCD_")}
        environment.setdefault("GOGC", "400")  # with the default, collecting takes a quarter of the API server's CPU
        self._running[name] = die_with_parent.start(
            command, directory=self.directory, log=self.log(name), environment=environment
        )

    def _stop(self) -> None:
        for process in reversed(self._running.values()):
            die_with_parent.stop(process)

    def _await(self, path: str, *, until: float) -> None:
        """Wait until the administrator's GET of ``path`` succeeds."""
        trust = ssl.create_default_context(cafile=self.directory / "ca.crt")
        trust.load_cert_chain(self.directory / "admin.pem")
        address = self.url.removeprefix("https://")
        while not _found(address, path, trust):
            self.check()
            if time.monotonic() > until:
                name = list(self._running)[-1]
                raise ControlPlaneError(
                    f"{path} is not there in time; the end of {name}'s log:\n{self._log_tail(name)}"
                )
            time.sleep(_POLL_INTERVAL)

    def _log_tail(self, program: str) -> str:
        lines = self.log(program).read_text(errors="replace").splitlines()
        return "\n".join(lines[-_LOG_TAIL:])


def _found(address: str, path: str, trust: ssl.SSLContext) -> bool:
    """Whether a GET is answered with 200. No proxy is asked: the address is of this machine."""
    with contextlib.closing(http.client.HTTPSConnection(address, context=trust, timeout=5)) as connection:
        try:
            connection.request("GET", path)
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False


@contextlib.contextmanager
def _reserved_port() -> Iterator[int]:
    """Hold a free port of 127.0.0.1: nobody but a server of this user that permits port sharing can listen on it.

    The holder does not listen itself, so that every connection reaches the server.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]
