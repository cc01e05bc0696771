"""A world in memory that does what plans say, so that decisions can be tried by the thousand in milliseconds."""

import dataclasses
import datetime
from typing import Any

from dask_ecs.api import annotation
from dask_ecs.api.conditions import find_condition
from dask_ecs.api.daskcluster import DaskCluster
from dask_ecs.plan import actions, bindings, capacity_actions, cluster, tls
from dask_ecs.plan.action import Action
from dask_ecs.plan.certificate import Certificate, sources
from dask_ecs.plan.instance_types import InstanceType
from dask_ecs.plan.observed import (
    LAUNCH_VARIABLE,
    MARK_VARIABLE,
    NAME_VARIABLE,
    PORTS_VARIABLE,
    PROTOCOL_VARIABLE,
    SCHEDULER_VARIABLE,
    EcsCluster,
    GivenDefinition,
    Known,
    Launch,
    Network,
    Observed,
    SchedulerProbe,
    Task,
    TaskSize,
)
from dask_ecs.plan.scheduler import SchedulerIdentity, WorkerSeen
from dask_ecs.plan.settings import Settings
from dask_ecs.plan.target import Target
from dask_ecs.plan.versions import SeenVersions

LARGE = "arn:aws:ecs:eu-west-1:123456789012:task-definition/large:1"
"""A definition whose tasks take 2 vCPUs and 12 GiB."""

INSTANCE_TYPES = {
    each.name: each
    for each in (
        InstanceType(name="m6i.large", vcpus=2, memory_mib=8192, gpus=0, architectures=("X86_64",)),
        InstanceType(name="m6i.xlarge", vcpus=4, memory_mib=16384, gpus=0, architectures=("X86_64",)),
        InstanceType(name="m7g.xlarge", vcpus=4, memory_mib=16384, gpus=0, architectures=("ARM64",)),
        InstanceType(name="g4dn.xlarge", vcpus=4, memory_mib=16384, gpus=1, architectures=("X86_64",)),
    )
}
START = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
ECS_CLUSTER = EcsCluster(arn="arn:aws:ecs:eu-west-1:123456789012:cluster/made")
NETWORK = Network(vpc_id="vpc-1", vpc_cidrs=("10.0.0.0/16",), subnets=("subnet-1",), assign_public_ip=True)
SETTINGS = Settings(install="abc", default_region="eu-west-1", default_image="dask:1")


class World:
    """One DaskCluster, what AWS holds of it, and a clock."""

    def __init__(self, spec: dict[str, Any] | None = None, *, settings: Settings = SETTINGS) -> None:
        self.settings = settings
        self.now = START
        self.body: dict[str, Any] = {
            "metadata": {
                "name": "demo",
                "namespace": "team",
                "uid": "u-1",
                "generation": 1,
                "resourceVersion": "1",
                "creationTimestamp": "2026-01-01T00:00:00Z",
            },
            "spec": spec or {"worker": {"replicas": 2}},
        }
        self.answers: dict[str, Any] = {}
        self.tasks: dict[str, Task] = {}
        self.tokens: dict[str, list[str]] = {}
        self.launches: tuple[Launch, ...] = ()
        self.done: list[Action[Any]] = []
        self.reachable = True
        self.is_of_our_ca = False  # an external scheduler
        self.clients = 1
        self.last_active = START
        self.versions: SeenVersions | None = None  # what scheduler and workers said of theirs
        self.registry: dict[str, str] = {}  # digests by tag; of others ECS does not tell any
        self.ends_when_told = True  # Dask, by `terminate`
        self.forgotten_by_scheduler: set[str] = set()  # ARNs of workers
        self.unstoppable: set[str] = set()  # ARNs of tasks whose instance's agent is gone
        self.in_use: frozenset[str] = frozenset()
        self.gone = False
        self._started = 0

    @property
    def target(self) -> Target:
        return Target(cluster=DaskCluster.read(self.body), settings=self.settings)

    @property
    def live(self) -> dict[str, list[Task]]:
        roles: dict[str, list[Task]] = {"scheduler": [], "worker": []}
        for task in self.tasks.values():
            if task.is_live:
                roles[task.role].append(task)
        return roles

    def observe(self) -> Observed:
        return Observed(
            known=Known(answers=dict(self.answers)),
            tasks=tuple(self.tasks.values()),
            listed_at=self.now,
            launches=self.launches,
            probe=self._probe(),
            looked_for=annotation.value(self.target.cluster.metadata.annotations, annotation.RECONCILE_REQUESTED_AT),
            in_use=self.in_use,
        )

    def plan(self) -> cluster.Plan:
        return cluster.plan(self.target, self.observe(), now=self.now)

    def step(self, *, lose_answers: bool = False, lose_calls: bool = False) -> cluster.Plan:
        """Plan and do; RunTask's calls or answers may be lost on the way."""
        plan = self.plan()
        self.body["status"] = plan.status.model_dump(mode="json", exclude_none=True)
        self.gone = plan.gone
        for action in plan.actions:
            self.done.append(action)
            if isinstance(action, actions.RunTasks):
                self._run_tasks(action, lose_answers=lose_answers, lose_calls=lose_calls)
            else:
                self.do(action)
        return plan

    def settle(self, *, most: int = 100) -> cluster.Plan:
        """Let time pass until nothing is left to do."""
        for _ in range(most):
            plan = self.step()
            self.pass_time(1)
            if self.gone or (not plan.actions and _is_settled(plan)):
                return plan
        raise AssertionError(f"not settled: {[str(action) for action in plan.actions]}, {plan.status.conditions}")

    def pass_time(self, seconds: float) -> None:
        """Move the clock, and every task one state on."""
        self.now += datetime.timedelta(seconds=seconds)
        following = {"PROVISIONING": "PENDING", "PENDING": "RUNNING"}
        for task in list(self.tasks.values()):
            if task.arn in self.unstoppable and task.desired_status == "STOPPED":
                continue
            if task.desired_status == "STOPPED" and not task.is_stopped:
                self.stop(task.arn, stop_code=task.stop_code or "UserInitiated")
            elif task.is_live and task.last_status in following:
                status = following[task.last_status]
                self._update(
                    task.arn,
                    last_status=status,
                    private_ip=task.private_ip or f"10.0.{int(task.id) // 250}.{int(task.id) % 250}",
                    started_at=self.now if status == "RUNNING" else None,
                    health="HEALTHY",
                    image_digest=self._digest(task.image or "") if status == "RUNNING" else None,
                )

    def certificate(self, serial: str) -> Certificate:
        """A certificate that is made now: it is renewed after 60 days."""
        return Certificate(
            secret_arn="arn:aws:secretsmanager:eu-west-1:123456789012:secret:dask-abc-team-tls-AbCdEf",
            serial=serial,
            ca="the CA",
            certificate=f"certificate {serial}",
            key=f"key {serial}",
            ca_key="key of the CA",
            not_after=self.now + datetime.timedelta(days=90),
            renew_at=self.now + datetime.timedelta(days=60),
        )

    def stop(self, arn: str, *, stop_code: str = "EssentialContainerExited", exit_code: int | None = 137) -> None:
        self._update(
            arn,
            desired_status="STOPPED",
            last_status="STOPPED",
            stop_code=stop_code,
            stopped_reason="stopped",
            exit_code=exit_code,
            stopped_at=self.now,
        )

    def hang_scheduler(self) -> None:
        """Have the scheduler answer nobody: neither the operator nor ECS's health check."""
        self.reachable = False
        for task in self.live["scheduler"]:
            self._update(task.arn, health="UNHEALTHY")

    def edit(self, **spec: Any) -> None:
        self.body["spec"] = {**self.body["spec"], **spec}
        self.body["metadata"]["generation"] += 1

    def scale(self, replicas: int) -> None:
        self.edit(worker={**self.body["spec"].get("worker", {}), "replicas": replicas})

    def annotate(self, **values: str) -> None:
        """Set annotations of the operator's, as `wake`."""
        named = {f"ecs.dask.org/{name.replace('_', '-')}": value for name, value in values.items()}
        self.body["metadata"]["annotations"] = {**self.body["metadata"].get("annotations", {}), **named}

    def delete(self) -> None:
        self.body["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"

    def _digest(self, image: str) -> str | None:
        return image.partition("@")[2] or self.registry.get(image)

    def _update(self, arn: str, **changes: Any) -> None:
        self.tasks[arn] = dataclasses.replace(self.tasks[arn], version=self.tasks[arn].version + 1, **changes)

    def _probe(self) -> SchedulerProbe | None:
        running = [task for task in self.live["scheduler"] if task.is_running]
        address = self.target.cluster.spec.scheduler.address
        if address is None:
            if not running:
                return None
            address = running[0].address or ""
        elif address.startswith("tls://") and not self.is_of_our_ca:
            return SchedulerProbe(address=address, error="certificate verify failed")
        if not self.reachable:
            healthy = any(task.health == "HEALTHY" for task in running)
            return SchedulerProbe(address=address, error="timed out", was_healthy=healthy)
        workers = tuple(
            WorkerSeen(
                address=f"tcp://{task.private_ip}:1", host=task.private_ip or "", name="w", nthreads=1, status="running"
            )
            for task in self.live["worker"]
            if task.is_running and task.scheduler_address == address and task.arn not in self.forgotten_by_scheduler
        )
        return SchedulerProbe(
            address=address,
            identity=SchedulerIdentity(id="s", workers=workers),
            versions=self.versions,
            idle_since=None if self.clients else self.last_active,
            asked_at=self.now,
        )

    def _run_tasks(self, action: actions.RunTasks, *, lose_answers: bool, lose_calls: bool) -> None:
        launch = action.launch
        if launch not in self.launches:
            self.launches = (*self.launches, launch)
        if lose_calls:
            return
        if launch.token not in self.tokens:
            self.tokens[launch.token] = [self._start(action) for _ in range(launch.count)]
        if not lose_answers:
            self._forget(launch.token)

    def _start(self, action: actions.RunTasks) -> str:
        self._started += 1
        arn = f"{ECS_CLUSTER.arn.replace('cluster', 'task', 1)}/{self._started:04}"
        override, *_ = action.request["overrides"]["containerOverrides"]
        environment = {variable["name"]: variable["value"] for variable in override["environment"]}
        self.tasks[arn] = Task(
            arn=arn,
            role=action.launch.role,
            started_by=action.request["startedBy"],
            task_definition_arn=action.request["taskDefinition"],
            last_status="PROVISIONING",
            desired_status="RUNNING",
            launch_token=environment[LAUNCH_VARIABLE],
            scheduler_address=environment.get(SCHEDULER_VARIABLE),
            worker_name=environment.get(NAME_VARIABLE),
            capacity_provider=next(
                (item["capacityProvider"] for item in action.request.get("capacityProviderStrategy", ())), None
            ),
            spec_mark=environment.get(MARK_VARIABLE),
            image=self._image_of(action.request["taskDefinition"]),
            ports=(8786, 8787) if PORTS_VARIABLE in environment else None,
            protocol=environment.get(PROTOCOL_VARIABLE, "tcp"),
            created_at=self.now,
        )
        return arn

    def _image_of(self, definition: str) -> str | None:
        registered = (action for action in self.done if isinstance(action, actions.RegisterTaskDefinition))
        found = (action.request for action in registered if f"/{action.name}:" in definition)
        return next((request["containerDefinitions"][0]["image"] for request in found), None)

    def _forget(self, token: str) -> None:
        self.launches = tuple(entry for entry in self.launches if entry.token != token)

    def do(self, action: Action[Any]) -> None:
        match action:
            case actions.ForgetLaunch():
                self._forget(action.token)
            case actions.StopTask():
                self._update(action.task_arn, desired_status="STOPPED", stopping_at=self.now)
            case actions.TerminateScheduler():
                self.answers[action.fingerprint] = self.now
                if self.ends_when_told:
                    for task in [task for tasks in self.live.values() for task in tasks if task.is_running]:
                        self.stop(task.arn, exit_code=0)
            case actions.RetireWorkers():
                for arn in sorted(action.tasks.values())[: action.count]:
                    self._update(arn, desired_status="STOPPED")
            case tls.EnsureCertificate():
                self.answers[action.fingerprint] = self.certificate(f"after {action.follows}".strip())
            case _:
                self.answers[action.fingerprint] = _answer(action)


def _is_settled(plan: cluster.Plan) -> bool:
    reconciling = find_condition(plan.status.conditions, "Reconciling")
    return plan.status.phase in ("Running", "Suspended") and reconciling is not None and reconciling.status == "False"


def _answer(action: Action[Any]) -> Any:
    match action:
        case actions.EnsureEcsCluster() | actions.UseEcsCluster():
            return ECS_CLUSTER
        case actions.FindEcsCluster():
            return ECS_CLUSTER.arn
        case actions.ResolveNetwork():
            return dataclasses.replace(
                NETWORK,
                subnets=action.subnets or NETWORK.subnets,
                assign_public_ip=NETWORK.assign_public_ip if action.fargate else None,
            )
        case actions.IdentifyAccount():
            return "123456789012"
        case actions.EnsureRole():
            return f"arn:aws:iam::123456789012:role{action.path}{action.name}"
        case actions.EnsureLogGroup():
            return action.name
        case actions.EnsureSecurityGroup():
            return "sg-1"
        case actions.UseTaskDefinition():
            return GivenDefinition(
                arn=action.arn,
                container="theirs",
                cpu_units=2048,
                memory_mib=6000,
                others_cpu_units=0,
                others_memory_mib=192,
                size=TaskSize(cpu_units=2048, memory_mib=12288, gpus=0) if action.arn == LARGE else None,
                stop_timeout=60,
                variables=frozenset() if action.arn.endswith("bare:1") else frozenset(sources(action.role, secret="")),
            )
        case capacity_actions.DescribeInstanceTypes():
            return tuple(INSTANCE_TYPES[name] for name in action.names)
        case capacity_actions.EnsureInstanceProfile():
            return f"arn:aws:iam::123456789012:instance-profile{action.path}{action.name}"
        case capacity_actions.EnsureLaunchTemplate():
            return "1"
        case actions.RegisterTaskDefinition():
            return f"arn:aws:ecs:eu-west-1:123456789012:task-definition/{action.request['family']}:1"
        case bindings.EnsureObject():
            return action.digest
        case _:
            return True


def running(replicas: int = 2, **spec: Any) -> World:
    world = World({"worker": {"replicas": replicas}, **spec})
    world.settle()
    return world


def condition(world: World, name: str) -> tuple[str, str, str]:
    found = find_condition(world.target.cluster.status.conditions, name)
    assert found is not None
    return found.status, found.reason, found.message


def asked(world: World, kind: type[Action[Any]]) -> list[Any]:
    return [action for action in world.done if isinstance(action, kind)]
