"""The Secret from which a client learns how to connect."""

import base64
import json

from .tenant import RunningCluster


def test_the_binding_secret_holds_what_a_client_needs(running: RunningCluster) -> None:
    name = running.status["binding"]["name"]
    secret = json.loads(running.tenant.kubectl("get", "secret", name, "-ojson"))
    told = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
    assert secret["type"] == "servicebinding.io/dask"
    assert told["uri"] == running.status["schedulerAddress"]
    assert told["dashboard"] == running.status["dashboardLink"]
    assert told["uri"].endswith(f"{told['host']}:{told['port']}")
    assert (told["type"], told["provider"]) == ("dask", "dask-ecs-operator")
