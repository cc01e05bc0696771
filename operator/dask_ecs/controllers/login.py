"""Who the operator is to Kubernetes: what the kubeconfig or the pod's service account says, for our client and kopf."""

import contextlib
import dataclasses
import os
import urllib.parse
import urllib.request
from collections.abc import Iterator

import kopf
import yaml
from kubernetes.aio import client, config

# Seconds between two looks at whether a token that a program gives (Amazon EKS: `aws eks get-token`, 15 minutes) ends
# within the next five minutes.
_RENEW_INTERVAL = 60.0

_CONNECTIONS = 20


@dataclasses.dataclass(frozen=True)
class Login:
    """A configuration for the client, and what renews it."""

    configuration: client.Configuration
    loader: config.kube_config.KubeConfigLoader | None

    async def keep(self, *, interval: float = _RENEW_INTERVAL) -> None:
        """Renew the token of a kubeconfig's `user.exec` before it ends; return at once if there is no such thing."""
        if self.loader:
            await config.refresh_token(self.loader, self.configuration, interval)


async def load() -> Login:
    """Read anew how to reach Kubernetes, and as whom.

    Raises:
        kubernetes.aio.config.ConfigException: neither a kubeconfig nor a service account is there, or it is malformed.

    """
    configuration = client.Configuration()
    if not os.environ.get("KUBECONFIG") and "KUBERNETES_SERVICE_HOST" in os.environ:
        config.load_incluster_config(client_configuration=configuration)
        loader = None
    else:
        with _reading() as kubeconfig:
            loader = await config.load_kube_config(config_file=kubeconfig, client_configuration=configuration)
    # A connection with TLS takes 256 KB (Python's asyncio.sslproto); more than some only queue in the API server.
    configuration.connection_pool_maxsize = _CONNECTIONS
    # Else aiohttp reads the environment's proxies and ~/.netrc anew for every request, in a thread each.
    configuration.client_session_kwargs = {"trust_env": False}
    configuration.proxy = configuration.proxy or _proxy_of_environment(configuration.host)
    return Login(configuration, loader)


def default_namespace() -> str:
    """Return the namespace of the kubeconfig's context; that of a kubeconfig which can not be read is "default"."""
    with contextlib.suppress(config.ConfigException), _reading() as kubeconfig:
        _, active = config.list_kube_config_contexts(config_file=kubeconfig)
        return str(active["context"].get("namespace") or "default")
    return "default"


@contextlib.contextmanager
def _reading() -> Iterator[str]:
    """Yield the kubeconfig's path, or several, as kubectl takes them: an empty KUBECONFIG is none.

    Raises:
        kubernetes.aio.config.ConfigException: it can not be used; the client lets through whatever comes of malformed
            files.

    """
    path = os.environ.get("KUBECONFIG") or "~/.kube/config"
    try:
        yield path
    except OSError as error:
        raise config.ConfigException(f"{path} can not be used: {error}") from error
    except (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise config.ConfigException(f"{path} is no kubeconfig: {' '.join(str(error).split())}") from error


def _proxy_of_environment(server: str) -> str | None:
    url = urllib.parse.urlsplit(server)
    if urllib.request.proxy_bypass(url.hostname or ""):
        return None
    return urllib.request.getproxies().get(url.scheme)


async def for_kopf() -> kopf.ConnectionInfo:
    """Load the same for kopf, which asks again when Kubernetes answers 401."""
    configuration = (await load()).configuration
    scheme, _, token = (await configuration.get_api_key_with_prefix("BearerToken") or "").rpartition(" ")
    return kopf.ConnectionInfo(
        server=configuration.host,
        ca_path=configuration.ssl_ca_cert,
        insecure=not configuration.verify_ssl,
        scheme=scheme or None,
        token=token or None,
        certificate_path=configuration.cert_file,
        private_key_path=configuration.key_file,
        proxy_url=configuration.proxy,
    )
