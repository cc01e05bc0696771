"""What would be done for a cluster that is not there yet: plan after plan, each call doing what it should.

What AWS would answer is made up, so the ids in what follows from it are only for show.
"""

from __future__ import annotations

import dataclasses
import datetime
from typing import TYPE_CHECKING, Any

from dask_ecs.plan import actions, bindings, capacity_actions, cluster, tls
from dask_ecs.plan.certificate import Certificate, sources
from dask_ecs.plan.instance_types import InstanceType
from dask_ecs.plan.observed import (
    PORTS_VARIABLE,
    PROTOCOL_VARIABLE,
    SCHEDULER_VARIABLE,
    EcsCluster,
    GivenDefinition,
    Known,
    Network,
    Observed,
    Task,
)
from dask_ecs.plan.roles import partition

if TYPE_CHECKING:
    from dask_ecs.plan.action import Action
    from dask_ecs.plan.target import Target

# RFC 5737: addresses for documentation.
_ADDRESS = "192.0.2.1"

# Rounds after which a plan that never comes to rest is given up; a cluster takes fewer than ten, and one for each 500
# workers.
_MOST_ROUNDS = 100


@dataclasses.dataclass(frozen=True, kw_only=True)
class Foresight:
    """What would be done, in this order, and what keeps the rest from being done, empty where nothing does."""

    actions: tuple[Action[Any], ...]
    refusal: str = ""


def foresee(target: Target, *, account_id: str, now: datetime.datetime) -> Foresight:
    """Return all that is done until every worker has been asked for."""
    answers: dict[str, Any] = {}
    done: list[Action[Any]] = []
    tasks: list[Task] = []
    for _ in range(_MOST_ROUNDS):
        observed = Observed(known=Known(answers=answers), tasks=tuple(tasks), listed_at=now)
        planned = cluster.plan(target, observed, now=now)
        stalled = next((each for each in planned.status.conditions if each.type == "Stalled"), None)
        if not planned.actions:
            refusal = stalled.message if stalled and stalled.status == "True" else ""
            return Foresight(actions=tuple(done), refusal=refusal)
        target = dataclasses.replace(target, cluster=target.cluster.model_copy(update={"status": planned.status}))
        for action in planned.actions:
            done.append(action)
            if isinstance(action, actions.RunTasks):
                tasks += _started(action, first=len(tasks), now=now)
            else:
                answers[action.fingerprint] = _answer(action, target=target, account_id=account_id)
    return Foresight(actions=tuple(done))


def _started(action: actions.RunTasks, *, first: int, now: datetime.datetime) -> list[Task]:
    """Return the tasks that a RunTask starts, as ECS shows them at once, and with an address."""
    environment = {
        variable["name"]: variable["value"]
        for override in action.request["overrides"]["containerOverrides"]
        for variable in override.get("environment", ())
    }
    port, _, dashboard_port = environment.get(PORTS_VARIABLE, "").partition(",")
    return [
        Task(
            arn=f"{action.request['cluster'].replace(':cluster/', ':task/')}/{number}",
            role=action.launch.role,
            started_by=action.request["startedBy"],
            task_definition_arn=action.request["taskDefinition"],
            last_status="PENDING",
            desired_status="RUNNING",
            scheduler_address=environment.get(SCHEDULER_VARIABLE),
            ports=(int(port), int(dashboard_port)) if port else None,
            protocol=environment.get(PROTOCOL_VARIABLE, "tcp"),
            private_ip=_ADDRESS,
            worker_name=action.launch.worker_name,
            capacity_provider=action.launch.capacity_provider,
            created_at=now,
        )
        for number in range(first, first + action.launch.count)
    ]


def _answer(action: Action[Any], *, target: Target, account_id: str) -> Any:
    """Return what would come of an action."""
    here = f"arn:{partition(target.region)}:ecs:{target.region}:{account_id}"
    match action:
        case actions.IdentifyAccount():
            return account_id
        case actions.UseEcsCluster():
            return EcsCluster(arn=action.arn)
        case actions.EnsureEcsCluster():
            return EcsCluster(arn=f"{here}:cluster/{action.name}")
        case actions.ResolveNetwork():
            return Network(
                vpc_id=action.vpc_id or "vpc-default",
                vpc_cidrs=("192.0.2.0/24",),
                subnets=action.subnets or ("subnet-default",),
                assign_public_ip=action.assign_public_ip if action.fargate else None,
            )
        case actions.EnsureRole():
            return f"arn:{partition(target.region)}:iam::{account_id}:role{action.path}{action.name}"
        case actions.EnsureSecurityGroup():
            return "sg-made"
        case actions.EnsureLogGroup():
            return action.name
        case actions.RegisterTaskDefinition():
            return f"{here}:task-definition/{action.name}:1"
        case actions.UseTaskDefinition():
            return GivenDefinition(
                arn=action.arn,
                container=action.role,
                cpu_units=None,
                memory_mib=None,
                stop_timeout=30,
                variables=frozenset(sources(action.role, secret="")),
            )
        case tls.EnsureCertificate():
            region = target.region
            return Certificate(
                secret_arn=f"arn:{partition(region)}:secretsmanager:{region}:{account_id}:secret:{action.name}-made",
                serial="made",
                ca="",
                certificate="",
                key="",
                ca_key="",
                not_after=datetime.datetime.max.replace(tzinfo=datetime.UTC),
                renew_at=datetime.datetime.max.replace(tzinfo=datetime.UTC),
            )
        case bindings.EnsureObject():
            return action.digest
        case capacity_actions.DescribeInstanceTypes():
            return tuple(_large(name) for name in action.names)
        case capacity_actions.EnsureInstanceProfile():
            return f"arn:{partition(target.region)}:iam::{account_id}:instance-profile{action.path}{action.name}"
        case capacity_actions.EnsureLaunchTemplate():
            return "1"
        case capacity_actions.EnsureAutoScalingGroup():
            group = f"autoScalingGroup:00000000:autoScalingGroupName/{action.name}"
            return f"arn:{partition(target.region)}:autoscaling:{target.region}:{account_id}:{group}"
        case capacity_actions.EnsureCapacityProvider():
            return f"{here}:capacity-provider/{action.name}"
        case _:
            return True


def _large(name: str) -> InstanceType:
    """Return a type that holds whatever it is to hold, for only EC2 knows what it does hold."""
    return InstanceType(name=name, vcpus=1024, memory_mib=1 << 26, gpus=16, architectures=("X86_64", "ARM64"))
