"""A network of a test's own: Kubernetes takes no loopback address for a Service's endpoint, so tasks get others there.

The kernel lets anybody make a network namespace who may make a user namespace; root may in any case.
"""

import subprocess
import sys
from pathlib import Path

# The local AWS's default VPC there. With one of its addresses, all of them are the loopback interface's.
VPC = "10.77.0.0/16"

# kube-apiserver looks for its own address where the default route leads.
_PREPARE = 'ip link set lo up && ip addr add 10.77.0.1/16 dev lo && ip route add default dev lo && exec "$@"'


def run_tests(file: Path, *, within: float) -> str:
    """Run a file of tests in a network namespace of its own and return what pytest said; seconds."""
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-cov", str(file)]
    command = ["unshare", "--map-root-user", "--net", "sh", "-c", _PREPARE, "sh", *pytest]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=within, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}"
    return done.stdout
