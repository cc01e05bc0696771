"""Thousands of settled DaskClusters, without the hours that ECS' quotas would make of them.

The operator makes one cluster in each namespace. Then it is stopped, and that one is copied by what can be seen from
outside: the object and its status with another name and UID, its RunTask calls with another `startedBy`, token and
scheduler's address. What the operator shares within a namespace, the copies share; started again, it finds them as if
it had made them itself.
"""

import asyncio
import json
import time
import urllib.parse
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bench.aws_calls import successful_run_tasks
from bench.clusters import dask_cluster, tasks_of
from bench.objects import Body, side_by_side
from bench.scene import Scene, speed_up

_TEMPLATE = "preloaded-template"
_NAMESPACE = "preload-{}"
_DESCRIBED_AT_ONCE = 100  # AWS: "DescribeTasks"


@dataclass(frozen=True)
class _Template:
    """A cluster as the operator made it: its object, and the RunTask calls of its scheduler and of its workers."""

    body: Body
    ecs_cluster: str
    scheduler: dict[str, Any]
    workers: Sequence[dict[str, Any]]

    @property
    def scheduler_ip(self) -> str:
        return str(urllib.parse.urlsplit(self.body["status"]["schedulerAddress"]).hostname)


@dataclass
class Preload:
    """Copies that are there, by UID; all that are Ready are settled."""

    scene: Scene
    templates: Sequence[_Template]
    uids: list[str] = field(default_factory=list)

    @classmethod
    async def begin(cls, scene: Scene, *, workers: int, ecs_clusters: int) -> "Preload":
        """Have the templates made, one in each namespace and ECS cluster, and stop the operator."""
        speed_up(scene.stack)
        began = time.time()
        namespaces = [_NAMESPACE.format(index) for index in range(ecs_clusters)]
        await scene.objects.make_namespaces(namespaces)
        arns = [_make_ecs_cluster(scene, name) for name in namespaces]
        made = await scene.objects.apply(
            dask_cluster(_TEMPLATE, namespace=namespace, workers=workers, ecs_cluster=arn)
            for namespace, arn in zip(namespaces, arns, strict=True)
        )
        await scene.objects.until_ready(made, within=180)
        await scene.until_quiet(seconds=2, within=60)
        launches: dict[str, list[dict[str, Any]]] = {}
        for call in successful_run_tasks(await scene.calls.since(began)):
            launches.setdefault(call.parameters["startedBy"].rpartition("/")[2], []).append(call.parameters)
        templates = []
        for uid in made:
            body = scene.objects.bodies[uid]
            scheduler, *of_workers = launches[uid]
            templates.append(_Template(body, body["spec"]["clusterArn"], scheduler, of_workers))
        await asyncio.to_thread(scene.operator.terminate)
        return cls(scene, templates, list(made))

    async def grow_to(self, number: int) -> None:
        """Copy until there are so many DaskClusters; the operator must not run."""
        speed_up(self.scene.stack)
        indexes = range(len(self.uids), number)
        pairs = [(self.templates[index % len(self.templates)], f"preloaded-{index:06}") for index in indexes]
        made = await self.scene.objects.apply(_object(template, name) for template, name in pairs)
        copies = [_Copy(template, name, uid) for (template, name), uid in zip(pairs, made, strict=True)]
        async with _Ecs(self.scene.stack.aws.url) as ecs:
            await side_by_side(lambda copy: copy.run_scheduler(ecs), copies)
            for template in self.templates:
                await _see_addresses(ecs, [copy for copy in copies if copy.template is template])
            await side_by_side(lambda copy: copy.run_workers(ecs), copies)
            expected = sum(tasks_of(template.body) for template, _ in pairs) + sum(
                tasks_of(self.scene.objects.bodies[uid]) for uid in self.uids
            )
            await _until_running(ecs, [template.ecs_cluster for template in self.templates], expected)
        await self.scene.objects.write_statuses((self._metadata(copy), copy.status()) for copy in copies)
        self.uids += made
        await self.scene.objects.until_ready(self.uids, within=60)
        await self.scene.forget_events()

    def _metadata(self, copy: "_Copy") -> Body:
        return {"namespace": copy.template.body["metadata"]["namespace"], "name": copy.name}


@dataclass
class _Copy:
    template: _Template
    name: str
    uid: str
    task_arn: str = ""
    address: str = ""

    async def run_scheduler(self, ecs: "_Ecs") -> None:
        answer = await ecs.call("RunTask", self._like(self.template.scheduler))
        self.task_arn = answer["tasks"][0]["taskArn"]

    async def run_workers(self, ecs: "_Ecs") -> None:
        for parameters in self.template.workers:
            await ecs.call("RunTask", self._like(parameters))

    def status(self) -> Body:
        status = self.template.body["status"]
        task_id, own = status["schedulerTaskArn"].rpartition("/")[2], self.task_arn.rpartition("/")[2]
        copied: Body = json.loads(self._renamed(json.dumps(status)).replace(task_id, own))
        return copied

    def _like(self, parameters: dict[str, Any]) -> dict[str, Any]:
        text = self._renamed(json.dumps(parameters))
        copied: dict[str, Any] = json.loads(text.replace(parameters["clientToken"], uuid.uuid4().hex))
        return copied

    def _renamed(self, text: str) -> str:
        text = text.replace(self.template.body["metadata"]["uid"], self.uid).replace(_TEMPLATE, self.name)
        return text.replace(f"{self.template.scheduler_ip}:", f"{self.address}:") if self.address else text


class _Ecs:
    """ECS by hand: an SDK takes ten times as long as the local AWS, and there are tens of thousands of calls."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def __aenter__(self) -> "_Ecs":
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._session.close()

    async def call(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        headers = {
            "Authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/eu-west-1/ecs/aws4_request",
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"AmazonEC2ContainerServiceV20141113.{operation}",
        }
        async with self._session.post(self._url, data=json.dumps(parameters), headers=headers) as response:
            answer: dict[str, Any] = json.loads(await response.read())
            if response.status != 200 or answer.get("failures"):
                raise RuntimeError(f"{operation}: {answer}")
            return answer


def _make_ecs_cluster(scene: Scene, name: str) -> str:
    made = scene.account.ecs.create_cluster(clusterName=name, capacityProviders=["FARGATE"])
    return made["cluster"]["clusterArn"]


def _object(template: _Template, name: str) -> Body:
    meta = template.body["metadata"]
    kept = {key: meta[key] for key in ("namespace", "finalizers", "labels", "annotations") if key in meta}
    return {
        "apiVersion": template.body["apiVersion"],
        "kind": template.body["kind"],
        "metadata": {**kept, "name": name},
        "spec": template.body["spec"],
    }


async def _see_addresses(ecs: _Ecs, copies: Sequence[_Copy]) -> None:
    by_arn = {copy.task_arn: copy for copy in copies}
    while unseen := [arn for arn, copy in by_arn.items() if not copy.address]:
        for start in range(0, len(unseen), _DESCRIBED_AT_ONCE):
            request = {"cluster": copies[0].template.ecs_cluster, "tasks": unseen[start : start + _DESCRIBED_AT_ONCE]}
            for task in (await ecs.call("DescribeTasks", request))["tasks"]:
                by_arn[task["taskArn"]].address = _address(task)


def _address(task: dict[str, Any]) -> str:
    details = (detail for attachment in task["attachments"] for detail in attachment["details"])
    return next((detail["value"] for detail in details if detail["name"] == "privateIPv4Address"), "")


async def _until_running(ecs: _Ecs, ecs_clusters: Iterable[str], expected: int) -> None:
    arns = list(ecs_clusters)
    while True:
        described = (await ecs.call("DescribeClusters", {"clusters": arns}))["clusters"]
        if sum(cluster["runningTasksCount"] for cluster in described) >= expected:
            return
        await asyncio.sleep(0.2)
