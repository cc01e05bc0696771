import asyncio
from pathlib import Path

import pytest

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
