"""The Secret from which a client learns how to connect."""

import base64
import json

from .tenant import RunningCluster, Tenant, manifest


def test_the_binding_secret_holds_what_a_client_needs(running: RunningCluster) -> None:
    name = running.status["binding"]["name"]
    secret = json.loads(running.tenant.kubectl("get", "secret", name, "-ojson"))
    told = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
    assert secret["type"] == "servicebinding.io/dask"
    assert told["uri"] == running.status["schedulerAddress"]
    assert told["dashboard"] == running.status["dashboardLink"]
    assert told["uri"].endswith(f"{told['host']}:{told['port']}")
    assert (told["type"], told["provider"]) == ("dask", "dask-ecs-operator")


def test_why_kubernetes_refuses_an_endpoint_is_told_in_its_own_words(tenant: Tenant) -> None:
    name = tenant.apply(manifest("by-name", replicas=0, service={"enabled": True}))
    told = tenant.wait_for_condition(name, "Stalled", reason="KubernetesRefused")["message"]
    assert "refused to write EndpointSlice by-name-scheduler: " in told
    assert "may not be in the loopback range" in told
    tenant.delete(name)
    tenant.wait_until_gone(name)
