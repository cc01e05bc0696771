"""What pip in a build needs of this machine's pip: prints a pip.conf.

Settings of files and of the environment alike, but only those by which a package index is reached.
"""

import ast
import subprocess
import sys
from collections.abc import Iterable

_REACHING_AN_INDEX = (
    "extra-index-url",
    "index-url",
    "no-index",
    "proxy",
    "retries",
    "timeout",
    "trusted-host",
)
_FROM_ENVIRONMENT = ":env:."
_DEFAULT_PREFIX = "default-"  # PIP_DEFAULT_TIMEOUT is the old name of PIP_TIMEOUT


def pip_conf(listed: Iterable[str], *, certificates: str) -> str:
    """Return a pip.conf with what of ``pip config list``'s lines concerns an index.

    ``certificates`` is the path, in the build, of the certificate authorities' file. Where the environment and a file
    differ, the environment wins, as it does for pip ("Configuration" in pip's documentation).
    """
    settings = {"cert": certificates}
    for line in sorted(listed, key=lambda line: line.startswith(_FROM_ENVIRONMENT)):
        name, _, value = line.partition("=")
        option = name.rpartition(".")[2].removeprefix(_DEFAULT_PREFIX)
        if option in _REACHING_AN_INDEX:
            settings[option] = " ".join(str(ast.literal_eval(value)).split())
    return "\n".join(["[global]", *(f"{option} = {value}" for option, value in sorted(settings.items())), ""])


if __name__ == "__main__":
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], check=True, capture_output=True, text=True
    ).stdout
    print(pip_conf(listing.splitlines(), certificates=sys.argv[1]), end="")
