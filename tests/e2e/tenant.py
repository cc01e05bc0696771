"""Somebody with a namespace: what they apply, see and wait for."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from kubernetes import client, config, watch
from kubernetes.client.exceptions import ApiException

from dask_ecs.api.daskcluster import API_VERSION, GROUP, KIND, PLURAL, VERSION
from dask_ecs.local import kubectl

from .aws_account import AwsAccount
from .operator_process import OperatorProcess
from .waiting import DEADLINE, until

Body = dict[str, Any]

# What Fargate sells cheapest and Dask still runs in.
SMALL = {"cpu": "0.25", "memory": "1Gi"}

# What a dashboard is drawn with takes as long to be imported as all else of Dask.
QUICK = {"extraArgs": ["--no-dashboard"]}


def manifest(name: str = "demo", *, replicas: int = 1, **spec: Any) -> Body:
    """A DaskCluster with a small scheduler and small workers, besides what `spec` says, which is merged into both.

    It may idle for ever, for tests that only look at it.
    """
    scheduler = {**SMALL, **QUICK, "idleTimeout": "0s", **spec.pop("scheduler", {})}
    worker = {**SMALL, "replicas": replicas, **spec.pop("worker", {})}
    if "gpu" not in worker:  # dask-cuda-worker has no such option
        worker = {**QUICK, **worker}
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": name},
        "spec": {"scheduler": scheduler, "worker": worker, **spec},
    }


@dataclass(frozen=True)
class Tenant:
    """A namespace of a real API server, and the operator that is to care for it."""

    kubeconfig: Path
    namespace: str
    operator: OperatorProcess

    @cached_property
    def _api(self) -> client.ApiClient:
        return config.new_client_from_config(str(self.kubeconfig))

    @cached_property
    def _objects(self) -> client.CustomObjectsApi:
        return client.CustomObjectsApi(self._api)

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout: float = DEADLINE) -> str:
        """Run kubectl in the namespace and return what it prints."""
        return kubectl.run(
            "--namespace", self.namespace, *arguments, kubeconfig=self.kubeconfig, stdin=stdin, timeout=timeout
        )

    def apply(self, body: Mapping[str, Any]) -> str:
        """`kubectl apply`; return the object's name."""
        self.kubectl("apply", "--filename=-", stdin=json.dumps(body))
        return str(body["metadata"]["name"])

    def patch(self, name: str, spec: Mapping[str, Any]) -> None:
        """Edit the spec by a merge patch."""
        self.kubectl("patch", "dkc", name, "--type=merge", f"--patch={json.dumps({'spec': spec})}")

    def scale(self, name: str, replicas: int) -> None:
        self.kubectl("scale", "dkc", name, f"--replicas={replicas}")

    def delete(self, name: str) -> None:
        """`kubectl delete`, without waiting for the end."""
        self.kubectl("delete", "dkc", name, "--wait=false")

    def get(self, name: str) -> Body | None:
        """Read an object; None if it is not there."""
        try:
            found: Body = self._objects.get_namespaced_custom_object(GROUP, VERSION, self.namespace, PLURAL, name)
        except ApiException as error:
            if error.status == 404:
                return None
            raise
        return found

    def all(self) -> list[Body]:
        """Read all objects of the namespace."""
        found: Body = self._objects.list_namespaced_custom_object(GROUP, VERSION, self.namespace, PLURAL)
        return list(found["items"])

    def status(self, name: str) -> Body:
        """Read an object's status, empty if it has none."""
        found = self.get(name)
        return dict((found or {}).get("status") or {})

    def history(self, since: Body | None) -> list[Body]:
        """Return every version of an object that had a status since the one given, oldest first."""
        assert since is not None
        name = since["metadata"]["name"]
        events = watch.Watch().stream(
            *(self._objects.list_namespaced_custom_object, GROUP, VERSION, self.namespace, PLURAL),
            field_selector=f"metadata.name={name}",
            resource_version=since["metadata"]["resourceVersion"],
            timeout_seconds=1,
        )
        return [dict(event["object"]) for event in events if event["object"].get("status")]

    def condition(self, name: str, type_: str) -> Body:
        """Read one condition, empty if it is not there."""
        conditions = self.status(name).get("conditions", ())
        return next((dict(one) for one in conditions if one["type"] == type_), {})

    def events(self, name: str) -> list[Body]:
        """Return the object's events, oldest first, as dicts of the API's JSON."""
        found = json.loads(self.kubectl("get", "events", f"--field-selector=involvedObject.name={name}", "-ojson"))
        return sorted(found["items"], key=lambda event: event["metadata"]["creationTimestamp"])

    def wait_for(self, name: str, look: Callable[[Body], Any], *, within: float = DEADLINE) -> Body:
        """Wait until `look` finds something true in the status, and return that status."""

        def found() -> Body | None:
            status = self.status(name)
            return status if status and look(status) else None

        return until(found, within=within, shown=lambda: self.shown(name))

    def wait_for_condition(
        self, name: str, type_: str, status: str = "True", *, reason: str | None = None, within: float = DEADLINE
    ) -> Body:
        """Wait until a condition has this status, and this reason if one is given; return the condition."""

        def found() -> Body | None:
            condition = self.condition(name, type_)
            fits = condition.get("status") == status and reason in (None, condition["reason"])
            return condition if fits else None

        return until(found, within=within, shown=lambda: self.shown(name))

    def wait_until_ready(self, name: str, *, workers: int | None = None, within: float = DEADLINE) -> Body:
        """Wait until it is Ready as last edited, with so many workers if a number is given; return the status.

        What an edit asks to be made may still be on its way while the workers of before keep the cluster Ready: as
        kstatus has it, an object that is reconciling is not there yet.
        """

        def ready() -> Body | None:
            body = self.get(name) or {"metadata": {}}
            status: Body = body.get("status") or {}
            fits = (
                _is_true(status, "Ready")
                and not _is_true(status, "Reconciling")
                and status["observedGeneration"] == body["metadata"]["generation"]
                and workers in (None, status["workers"]["running"])
            )
            return status if fits else None

        return until(ready, within=within, shown=lambda: self.shown(name))

    def wait_until_gone(self, name: str, *, uid: str | None = None, within: float = DEADLINE) -> None:
        """Wait until the object is gone; with `uid`, until that one is, whatever follows it under its name."""

        def gone() -> bool:
            found = self.get(name)
            return found is None or uid not in (None, found["metadata"]["uid"])

        until(gone, within=within, shown=lambda: self.shown(name))

    def shown(self, name: str) -> str:
        """What a person would look at to see what is wrong."""
        described = self.kubectl("get", "dkc", name, "--ignore-not-found", "-oyaml", "--show-managed-fields=false")
        events = self.kubectl("get", "events", "--sort-by=.lastTimestamp")
        return f"{described}\n{events}\nThe operator's log ends:\n{self.operator.last_words}"


@dataclass(frozen=True)
class RunningCluster:
    """A DaskCluster that is Ready, whose it is, and the AWS account that it runs in."""

    tenant: Tenant
    account: AwsAccount
    body: Body

    @property
    def uid(self) -> str:
        return str(self.body["metadata"]["uid"])

    @property
    def status(self) -> Body:
        return dict(self.body["status"])

    @property
    def ecs_cluster(self) -> str:
        return str(self.status["clusterArn"])


def _is_true(status: Body, type_: str) -> bool:
    return any(one["type"] == type_ and one["status"] == "True" for one in status.get("conditions", ()))
