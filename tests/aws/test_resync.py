"""Looking again at what was made: once for all who share it, and as soon as somebody asks for it."""

import datetime
from collections.abc import Awaitable, Callable
from typing import Any

from kubernetes.aio import client

from dask_ecs.api.daskcluster import DaskCluster, ObjectMeta
from dask_ecs.aws import operations
from dask_ecs.aws.session import Aws
from dask_ecs.controllers import act
from dask_ecs.controllers.actor import Actor
from dask_ecs.controllers.bindings import Bindings
from dask_ecs.controllers.drift import Drift
from dask_ecs.controllers.memory import Memory
from dask_ecs.controllers.recorder import Recorder
from dask_ecs.controllers.shared import SharedAnswers
from dask_ecs.controllers.task_watcher import TaskWatchers
from dask_ecs.controllers.users import Users
from dask_ecs.local.aws.handle import LocalAWS
from dask_ecs.plan import actions, infrastructure
from dask_ecs.plan.action import Action
from dask_ecs.plan.observed import Known, Observed
from dask_ecs.plan.settings import Settings
from dask_ecs.plan.target import Target

from .planned_life import no_others


class Told(Recorder):
    """Keeps what would be written as events."""

    def __init__(self, api: client.ApiClient) -> None:
        super().__init__(api)
        self.messages: list[str] = []

    def record(self, metadata: ObjectMeta, kind: object, *, reason: str, message: str) -> None:
        self.messages.append(f"{metadata.uid} {reason}: {message}")


SETTINGS = Settings(install="abc", default_region="eu-west-1", default_image="dask:1")


def cluster(uid: str) -> Target:
    body = {"metadata": {"name": uid, "namespace": "team", "uid": uid}, "spec": {"worker": {"replicas": 1}}}
    return Target(cluster=DaskCluster.read(body), settings=SETTINGS)


async def made(aws: Aws) -> tuple[Action[Any], ...]:
    """Make all that a cluster of the namespace needs besides tasks, and return what made it."""
    target, answers = cluster("u"), dict[str, Any]()
    watchers = TaskWatchers(install="abc", wake=lambda _: None)
    now = datetime.datetime.now(datetime.UTC)
    while True:
        there, missing = infrastructure.plan(target, Observed(known=Known(answers=answers), tasks=()), now=now)
        if not missing:
            return there.wanted
        for action in missing:
            answers[action.fingerprint] = await act.act(
                aws, action, own_tags=target.own_tags, others_ingress=no_others, watchers=watchers, now=now
            )


async def drift(interval: float, look: Callable[[Drift, Told, SharedAnswers], Awaitable[None]]) -> None:
    async with client.ApiClient() as api:
        told, shared = Told(api), SharedAnswers()
        actor = Actor(
            shared=shared,
            users=Users(),
            watchers=TaskWatchers(install="abc", wake=lambda _: None),
            recorder=told,
            bindings=Bindings(api),
            ingress_of=lambda _: ((), False),
            now=lambda: datetime.datetime.now(datetime.UTC),
        )
        await look(Drift(actor=actor, recorder=told, interval=interval), told, shared)


async def test_what_a_thousand_clusters_share_is_looked_at_once(aws: Aws, local_aws: LocalAWS) -> None:
    things = await made(aws)

    async def look(drift: Drift, told: Told, shared: SharedAnswers) -> None:
        local_aws.reset_calls()
        for number in range(1000):
            await drift.look(aws, cluster(f"u-{number}"), Memory(launches=()), things)
        asked = local_aws.calls()
        assert sum(asked.values()) <= 14, asked
        assert asked["iam:GetRole"] == 2

    await drift(600, look)


async def test_whoever_looks_is_told_what_was_mended(aws: Aws, local_aws: LocalAWS) -> None:
    things = await made(aws)
    (role,) = (one for one in things if isinstance(one, actions.EnsureRole) and one.subject == "executionRole")

    async def look(drift: Drift, told: Told, shared: SharedAnswers) -> None:
        await drift.look(aws, cluster("u-1"), Memory(launches=()), things)
        told.messages.clear()
        await aws.call(operations.DELETE_ROLE_POLICY, RoleName=role.name, PolicyName="dask-ecs")
        asking = cluster("u-2")
        memory = Memory(launches=())
        await drift.look(aws, asking, memory, things)
        assert told.messages == []  # it was looked at a moment ago
        memory.see(0, requested="now", now=datetime.datetime.now(datetime.UTC))
        assert drift.seconds_until_due(asking, memory) == 0
        await drift.look(aws, asking, memory, things)
        mended = f"The policy dask-ecs of IAM role {role.name} was gone; it is as it was."
        assert told.messages == [f"u-2 DriftMended: {mended}"]
        assert memory.looked_for == "now"

    await drift(600, look)


async def test_what_can_not_be_checked_is_told_and_the_rest_is_looked_at(aws: Aws, local_aws: LocalAWS) -> None:
    things = await made(aws)
    local_aws.fault("iam:GetRole", code="AccessDenied", message="not authorized", count=2)

    async def look(drift: Drift, told: Told, shared: SharedAnswers) -> None:
        await drift.look(aws, cluster("u-1"), Memory(launches=()), things)
        denied = [message for message in told.messages if "AccessDenied" in message]
        assert len(denied) == 2
        assert all("when all was checked" in message for message in denied)
        known = shared.of(aws.region)
        assert {type(one) for one in things if one.fingerprint in known} >= {
            actions.EnsureSecurityGroup,
            actions.RegisterTaskDefinition,
            actions.EnsureLogGroup,
        }

    await drift(600, look)


async def test_clusters_met_at_once_take_turns_and_none_is_due_where_no_interval_is() -> None:
    async def look(drift: Drift, told: Told, shared: SharedAnswers) -> None:
        waits = [drift.seconds_until_due(cluster(f"u-{number}"), Memory(launches=())) for number in range(200)]
        assert len(set(waits)) == 200
        assert all(wait is not None and 60 <= wait <= 600 for wait in waits)

    await drift(600, look)

    async def never(drift: Drift, told: Told, shared: SharedAnswers) -> None:
        assert drift.seconds_until_due(cluster("u-1"), Memory(launches=())) is None

    await drift(0, never)
