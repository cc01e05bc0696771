"""The command lines of the three programs. Every path is relative to the control plane's own directory."""

from pathlib import Path

ETCD_SOCKET = "etcd.sock"
_ETCD_PEER_SOCKET = "etcd-peer.sock"

# Those of kube-controller-manager's controllers that a cluster without nodes has work for: deleting a namespace's
# contents, deleting what an owner left, the `default` service accounts, tokens in Secrets, and the aggregated roles
# admin, edit and view.
_CONTROLLERS = (
    "namespace-controller",
    "garbage-collector-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "clusterrole-aggregation-controller",
)


def etcd(program: Path) -> list[str]:
    """Return etcd's command line: it listens on Unix sockets only, and keeps nothing past its end."""
    client, peer = f"unix://{ETCD_SOCKET}", f"unix://{_ETCD_PEER_SOCKET}"
    return [
        str(program),
        "--name=local",
        "--data-dir=etcd",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=local={peer}",
        "--unsafe-no-fsync",  # the data dies with the process: no crash is to be survived
        "--log-level=warn",
    ]


def kube_apiserver(program: Path, *, port: int) -> list[str]:
    """Return the API server's command line: TLS, RBAC, nobody anonymous, on 127.0.0.1:``port``."""
    return [
        str(program),
        f"--etcd-servers=unix://{ETCD_SOCKET}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        "--permit-port-sharing",  # with whoever reserved the port, see run.py
        "--endpoint-reconciler-type=none",  # no pod reaches this server by the `kubernetes` Service
        "--tls-cert-file=apiserver.crt",
        "--tls-private-key-file=apiserver.key",
        "--client-ca-file=ca.crt",
        "--anonymous-auth=false",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--service-account-key-file=service-account.pub",
        "--service-account-signing-key-file=service-account.key",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--profiling=false",
    ]


def kube_controller_manager(program: Path) -> list[str]:
    """Return the controller manager's command line: no port of its own, and few controllers."""
    return [
        str(program),
        "--kubeconfig=kubeconfig",
        "--service-account-private-key-file=service-account.key",
        "--root-ca-file=ca.crt",
        f"--controllers={','.join(_CONTROLLERS)}",
        "--secure-port=0",
        "--leader-elect=false",
        "--profiling=false",
    ]
