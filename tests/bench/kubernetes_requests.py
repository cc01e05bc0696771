"""How many requests the operator makes to Kubernetes, as the API server itself counts them.

`apiserver_request_total` does not say whose a request was. Flow schemas do: each is a kind of request of the operator's
own service account, and the API server counts what it admits by flow schema (Kubernetes documentation: "API Priority
and Fairness"). The priority is the one that service accounts have anyway.
"""

import dataclasses
import re
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from dask_ecs.local import kubectl

NAMESPACE = "dask-ecs-operator"
ACCOUNT = "operator"

_RESOURCES = {
    "daskclusters": ["daskclusters"],
    "daskclusters-status": ["daskclusters/status"],
    "events": ["events"],
    "other": ["*"],
}
_VERBS = ("get", "list", "watch", "create", "update", "patch", "delete")
_WRITES = frozenset({"create", "update", "patch", "delete"})
_COUNTED = re.compile(
    r'^apiserver_flowcontrol_dispatched_requests_total\{flow_schema="bench\.([a-z-]+)\.([a-z]+)"[^}]*\} (\S+)$', re.M
)


@dataclasses.dataclass(frozen=True)
class Requests:
    """Counts by resource and verb."""

    counts: Counter[tuple[str, str]]

    @property
    def total(self) -> int:
        return self.counts.total()

    @property
    def writes(self) -> int:
        """Those that change something."""
        return sum(count for (_, verb), count in self.counts.items() if verb in _WRITES)

    def __sub__(self, before: "Requests") -> "Requests":
        return Requests(self.counts - before.counts)

    def __str__(self) -> str:
        return ", ".join(f"{count} {verb} {what}" for (what, verb), count in self.counts.most_common()) or "none"


def prepare(kubeconfig: Path) -> str:
    """Make the operator's service account, which may do everything, and the counters; return a token for it."""
    documents = yaml.safe_dump_all([*_account(), *_flow_schemas()])
    kubectl.run("apply", "--server-side", "--filename=-", kubeconfig=kubeconfig, stdin=documents)
    names = [f"flowschema/{_name(resource, verb)}" for resource in _RESOURCES for verb in _VERBS]
    kubectl.run("wait", "--for=condition=Dangling=False", "--timeout=30s", *names, kubeconfig=kubeconfig)
    token = kubectl.run(
        *("create", "token", ACCOUNT, f"--namespace={NAMESPACE}", "--duration=24h"), kubeconfig=kubeconfig
    )
    return token.strip()


def read(metrics: str) -> Requests:
    """Return what the operator has asked so far, from what the API server says at /metrics."""
    counts: Counter[tuple[str, str]] = Counter()
    for resource, verb, count in _COUNTED.findall(metrics):
        counts[resource, verb] += int(float(count))
    return Requests(counts)


def _name(resource: str, verb: str) -> str:
    return f"bench.{resource}.{verb}"


def _account() -> list[dict[str, Any]]:
    subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": NAMESPACE}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT, "namespace": NAMESPACE}},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": f"{NAMESPACE}-{ACCOUNT}"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [subject],
        },
    ]


def _flow_schemas() -> list[dict[str, Any]]:
    return [_flow_schema(resource, verb) for resource in _RESOURCES for verb in _VERBS]


def _flow_schema(resource: str, verb: str) -> dict[str, Any]:
    resources = _RESOURCES[resource]
    rule: dict[str, Any] = {
        "subjects": [{"kind": "ServiceAccount", "serviceAccount": {"name": ACCOUNT, "namespace": NAMESPACE}}],
        "resourceRules": [
            {"apiGroups": ["*"], "resources": resources, "verbs": [verb], "namespaces": ["*"], "clusterScope": True}
        ],
    }
    if (resource, verb) == ("other", "get"):
        rule["nonResourceRules"] = [{"nonResourceURLs": ["*"], "verbs": ["get"]}]
    return {
        "apiVersion": "flowcontrol.apiserver.k8s.io/v1",
        "kind": "FlowSchema",
        "metadata": {"name": _name(resource, verb)},
        "spec": {
            # The first that matches counts: the exact resources before "other", all before the built-in schemas.
            "matchingPrecedence": 200 if resource == "other" else 100,
            "priorityLevelConfiguration": {"name": "workload-low"},
            "distinguisherMethod": {"type": "ByUser"},
            "rules": [rule],
        },
    }
