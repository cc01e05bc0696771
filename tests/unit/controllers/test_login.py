import asyncio
import datetime
import types
from pathlib import Path

import pytest
from kubernetes.aio.config import incluster_config

from dask_ecs.controllers import login

KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: there, cluster: {server: "https://kubernetes.example.org:6443"}}]
users: [{name: me, user: {token: secret}}]
contexts: [{name: it, context: {cluster: there, user: me}}]
current-context: it
"""


@pytest.fixture(autouse=True)
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config"
    path.write_text(KUBECONFIG)
    for name in ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KUBECONFIG", str(path))
    return path


def test_a_proxy_of_the_environment_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.org:3128")
    assert asyncio.run(login.load()).configuration.proxy == "http://proxy.example.org:3128"
    assert asyncio.run(login.for_kopf()).proxy_url == "http://proxy.example.org:3128"


def test_a_proxy_is_not_asked_for_what_the_environment_excepts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.org:3128")
    monkeypatch.setenv("NO_PROXY", ".example.org")
    assert asyncio.run(login.load()).configuration.proxy is None


def test_the_kubeconfigs_own_proxy_wins(kubeconfig: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.org:3128")
    kubeconfig.write_text(KUBECONFIG.replace('6443"', '6443", proxy-url: "http://own.example.org:8080"'))
    assert asyncio.run(login.load()).configuration.proxy == "http://own.example.org:8080"


def test_in_a_pod_the_service_account_is_taken_and_its_token_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, authority = tmp_path / "token", tmp_path / "ca.crt"
    token.write_text("first")
    authority.write_text("the CA")
    monkeypatch.delenv("KUBECONFIG")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(authority))
    configuration = asyncio.run(login.load()).configuration
    assert (configuration.host, configuration.ssl_ca_cert) == ("https://10.0.0.1:443", str(authority))
    assert asyncio.run(configuration.get_api_key_with_prefix("BearerToken")) == "bearer first"
    assert asyncio.run(login.for_kopf()).token == "first"

    token.write_text("second")  # the kubelet does that within the hour

    class Later(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> "Later":
            return cls.fromtimestamp(datetime.datetime.now(tz).timestamp() + 3600, tz)

    monkeypatch.setattr(
        incluster_config, "datetime", types.SimpleNamespace(datetime=Later, timedelta=datetime.timedelta)
    )
    assert asyncio.run(configuration.get_api_key_with_prefix("BearerToken")) == "bearer second"
