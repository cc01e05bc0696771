"""What has to be there before a task can run: account, ECS cluster, network, roles, logs, task definitions."""

from __future__ import annotations

import dataclasses
import urllib.parse
from typing import TYPE_CHECKING, Any

from dask_ecs.plan import (
    actions,
    capacity_providers,
    capacity_steps,
    commands,
    held_image,
    idleness,
    made,
    pinning,
    role_networks,
    roles,
    secrets,
    security_group,
    task_definitions,
    tls,
    worker_size,
)
from dask_ecs.plan.action import Action, Subject
from dask_ecs.plan.observed import EcsCluster, Network

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable, Mapping, Sequence

    from dask_ecs.api.status import ImageDigests
    from dask_ecs.plan.certificate import Certificate
    from dask_ecs.plan.held_image import HeldImage
    from dask_ecs.plan.observed import GivenDefinition, Known, Observed, Role
    from dask_ecs.plan.pins import Pins
    from dask_ecs.plan.security_group import Rule
    from dask_ecs.plan.target import Target


@dataclasses.dataclass(frozen=True, kw_only=True)
class Infrastructure:
    """What there is so far; `complete` once all tasks can run, `runnable` are the roles whose tasks can."""

    account_id: str | None
    ecs_cluster: EcsCluster | None
    networks: Mapping[Role, Network]
    log_group: str | None
    security_group_id: str | None  # the made one; None where the user gave theirs
    execution_role_arn: str | None
    task_role_arn: str | None
    certificate: Certificate | None
    definitions: Mapping[Role, str]
    given_definitions: Mapping[Role, GivenDefinition]
    image_digests: ImageDigests
    pins: Pins
    held_image: HeldImage | None
    """What workers run until the scheduler is another one."""
    wanted: tuple[Action[Any], ...] = ()
    """Whatever has come or is to come of it."""
    runnable: frozenset[Role] = frozenset()
    complete: bool = False

    @property
    def network(self) -> Network | None:
        """The network whose VPC all tasks are in."""
        return next(iter(self.networks.values()), None)


def plan(target: Target, observed: Observed, *, now: datetime.datetime) -> tuple[Infrastructure, list[Action[Any]]]:
    """Return what there is, and what is missing and can be made now."""
    spec, known = target.cluster.spec, observed.known
    identify, cluster, log_group = actions.IdentifyAccount(), ecs_cluster(target), _log_group(target)
    networks, resolving = role_networks.plan(target, known)
    image_digests, held = pinning.resolve(target, observed), held_image.of_workers(target, observed)
    pins = pinning.pins(target, observed, image_digests)
    there = Infrastructure(
        account_id=known.answer(identify),
        ecs_cluster=known.answer(cluster),
        networks=networks,
        log_group=known.answer(log_group),
        security_group_id=None,
        execution_role_arn=spec.iam.execution_role_arn,
        task_role_arn=spec.iam.task_role_arn,
        certificate=tls.latest(target, known),
        definitions={},
        given_definitions={},
        image_digests=image_digests,
        pins=dataclasses.replace(pins, worker=held.name) if held else pins,
        held_image=held,
    )
    looked_at = {role: action for role in spec.roles if (action := given_definition(target, role))}
    given = {role: found for role, action in looked_at.items() if (found := known.answer(action))}
    there = dataclasses.replace(there, given_definitions=given)
    looks: list[Action[Any]] = [*capacity_steps.look(target), *looked_at.values()]
    wanted: list[Action[Any]] = [identify, *resolving, *looks]
    if any(known.answer(action) is None for action in looks):
        return _as_far_as(there, wanted, known)
    # Nothing is made before what is named was found, and before the status can tell that something may be.
    if there.account_id:
        wanted.append(cluster)
    made_for = [role for role in spec.roles if role not in looked_at]
    if there.account_id and made_for:
        wanted.append(log_group)
    providers = capacity_providers.of_made_cluster(spec)
    if there.ecs_cluster and providers and not spec.capacity:
        wanted.append(_associate(target, there.ecs_cluster, providers))
    certificate = tls.ensure(target, known, now=now)
    if there.account_id and certificate:
        wanted.append(certificate)
    # The ports of a scheduler that runs have to be known before its group's rules are touched.
    ports_known = observed.tasks is not None or target.cluster.status.scheduler_task_arn is None
    if there.account_id and there.network and spec.needs_security_group and ports_known:
        group = _security_group(target, there.network, observed)
        there = dataclasses.replace(there, security_group_id=known.answer(group))
        wanted.append(group)
    if there.account_id and made_for and not spec.iam.execution_role_arn:
        role = _execution_role(target, there.account_id)
        there = dataclasses.replace(there, execution_role_arn=known.answer(role))
        wanted.append(role)
    if there.account_id and made_for and not spec.iam.task_role_arn:
        role = _task_role(target, there.account_id)
        there = dataclasses.replace(there, task_role_arn=known.answer(role))
        wanted.append(role)
    registered: dict[Role, str] = {role: found.arn for role, found in given.items()}
    if there.account_id and there.execution_role_arn and there.task_role_arn and there.log_group:
        definitions = {role: _definition(target, role, there) for role in made_for}
        registered |= {role: arn for role, action in definitions.items() if (arn := known.answer(action))}
        wanted += definitions.values()
    there = dataclasses.replace(there, definitions=registered)
    brought = True
    if there.account_id:
        instances, brought = capacity_steps.plan(
            target,
            known,
            capacity_steps.Around(
                account_id=there.account_id,
                ecs_cluster=there.ecs_cluster,
                networks=there.networks,
                security_group_id=there.security_group_id,
                given_definitions=given,
            ),
        )
        wanted += instances
    there, missing = _as_far_as(there, wanted, known)
    closed = not spec.needs_security_group or there.security_group_id is not None
    # Until a certificate is renewed, the one before serves.
    awaited = [action for action in missing if action is not certificate or there.certificate is None]
    # ECS registers one definition a second, so a scheduler does not wait for the workers'; but for one that is refused.
    later = [
        action
        for action in awaited
        if isinstance(action, actions.RegisterTaskDefinition) and action.subject not in observed.holds
    ]
    around = closed and brought and len(later) == len(awaited)
    return dataclasses.replace(
        there,
        runnable=frozenset(there.definitions) if around else frozenset(),
        complete=around and not later and there.definitions.keys() == set(spec.roles),
    ), missing


def _as_far_as(
    there: Infrastructure, wanted: Sequence[Action[Any]], known: Known
) -> tuple[Infrastructure, list[Action[Any]]]:
    missing = [action for action in wanted if known.answer(action) is None]
    return dataclasses.replace(there, wanted=tuple(wanted)), missing


def command(
    target: Target, role: Role, *, scheduler_address: str = "", given: GivenDefinition | None = None
) -> list[str]:
    """Return the command of a role's container; of one in a given definition by what that says of it."""
    spec = target.cluster.spec
    if role == "scheduler":
        backstop = idleness.backstop(target)
        return commands.scheduler_command(
            port=spec.scheduler.port,
            dashboard_port=spec.scheduler.dashboard_port,
            idle_timeout_seconds=int(backstop.total_seconds()) if backstop else None,
            protocol="tls" if target.has_tls else None,
            extra_args=spec.scheduler.extra_args,
        )
    return commands.worker_command(
        scheduler_address=scheduler_address,
        threads=worker_size.threads(spec, given),
        memory_mib=worker_size.memory_mib(spec, given),
        gpu=spec.worker.gpu,
        preload=task_definitions.preload(spec.worker, given),
        extra_args=spec.worker.extra_args,
    )


def environment(target: Target, role: Role, *, given: GivenDefinition | None) -> tuple[tuple[str, str], ...]:
    """Return the variables that RunTask has to bring, because the definition does not hold them."""
    if given is None:
        return task_definitions.advice_for_disk(target, role)
    certificate = made.secret_name(target) if target.has_tls else None
    return task_definitions.plain_variables(target, role, given=given, certificate=certificate)


def ecs_cluster(target: Target) -> Action[EcsCluster]:
    """Return how to come by the ECS cluster: the user's, or one that is made."""
    spec = target.cluster.spec
    if spec.cluster_arn:
        return actions.UseEcsCluster(arn=spec.cluster_arn)
    return actions.EnsureEcsCluster(name=made.ecs_cluster_name(target), tags=target.made_tags)


def _associate(
    target: Target, ecs_cluster: EcsCluster, providers: tuple[str, ...]
) -> actions.AssociateCapacityProviders:
    return actions.AssociateCapacityProviders(
        name=made.ecs_cluster_name(target), arn=ecs_cluster.arn, providers=providers
    )


def _log_group(target: Target) -> actions.EnsureLogGroup:
    logs = target.cluster.spec.logs
    return actions.EnsureLogGroup(name=logs.group, retention_days=logs.retention_days, tags=target.log_group_tags)


def _security_group(target: Target, network: Network, observed: Observed) -> actions.EnsureSecurityGroup:
    # A scheduler that runs keeps its ports until it is replaced, whatever the spec says by now.
    running = (port for task in observed.of_role("scheduler") if task.is_live for port in task.ports or ())
    return actions.EnsureSecurityGroup(
        name=made.security_group_name(target),
        vpc_id=network.vpc_id,
        rules=ingress(target, vpc_cidrs=network.vpc_cidrs, running_ports=running),
        tags=target.made_tags,
    )


def ingress(target: Target, *, vpc_cidrs: Iterable[str], running_ports: Iterable[int]) -> tuple[Rule, ...]:
    """Return the rules that this cluster asks of its security group; others that share it may ask for more."""
    spec = target.cluster.spec
    if spec.scheduler.address:
        return security_group.rules_for_workers(cidrs=spec.network.allowed_cidrs or vpc_cidrs)
    return security_group.rules(
        ports={spec.scheduler.port, spec.scheduler.dashboard_port, *running_ports},
        cidrs=(*(spec.network.allowed_cidrs or vpc_cidrs), *target.settings.operator_cidrs),
        # Where one role has groups of its own, the other is in the one that is made, and both connect to each other.
        groups={group for role in spec.roles for group in spec.security_groups_of(role)},
    )


def ingress_by_status(target: Target) -> tuple[Rule, ...]:
    """Return the same for a cluster that was not looked at yet since the operator's start."""
    status = target.cluster.status
    links = (status.scheduler_address, status.dashboard_link)
    ports = [port for link in links if link and (port := urllib.parse.urlsplit(link).port)]
    return ingress(target, vpc_cidrs=status.network.vpc_cidrs, running_ports=ports)


def _execution_role(target: Target, account_id: str) -> actions.EnsureRole:
    policy = roles.execution_policy(
        account_id=account_id,
        region=target.region,
        log_group=target.cluster.spec.logs.group,
        secrets=secrets.readable(target),
        certificate=made.secret_name(target) if target.has_tls else None,
    )
    return actions.EnsureRole(
        subject="executionRole",
        name=made.role_name(target, "execution"),
        path=target.settings.role_path,
        trust=roles.trust(account_id=account_id, region=target.region),
        inline_policy=policy,
        permissions_boundary=target.settings.permissions_boundary,
        tags=target.made_tags,
    )


def _task_role(target: Target, account_id: str) -> actions.EnsureRole:
    return actions.EnsureRole(
        subject="taskRole",
        name=made.role_name(target, "task"),
        path=target.settings.role_path,
        trust=roles.trust(account_id=account_id, region=target.region),
        inline_policy=roles.task_policy(execute_command=bool(target.cluster.spec.enable_execute_command)),
        attached_policies=target.cluster.spec.iam.task_role_policies,
        permissions_boundary=target.settings.permissions_boundary,
        tags=target.made_tags,
    )


def _definition(target: Target, role: Role, there: Infrastructure) -> actions.RegisterTaskDefinition:
    certificate = tls.secret(target, account_id=there.account_id or "") if target.has_tls else None
    image = there.pins.of(role)
    content = task_definitions.content(
        task_definitions.Ingredients.of(target, role, certificate=certificate, image=image),
        execution_role=there.execution_role_arn or "",
        task_role=there.task_role_arn or "",
    )
    tags = [{"key": key, "value": value} for key, value in target.made_tags.items()]
    subject: Subject = "schedulerDefinition" if role == "scheduler" else "workerDefinition"
    family = made.family(target, role, image)
    return actions.RegisterTaskDefinition(
        subject=subject, name=family, request={"family": family, **content, "tags": tags}
    )


def given_definition(target: Target, role: Role) -> actions.UseTaskDefinition | None:
    """Return how to come by the task definition that a user brings for a role, None if there is none."""
    arn = target.cluster.spec.role(role).task_definition_arn
    subject: Subject = "schedulerDefinition" if role == "scheduler" else "workerDefinition"
    return actions.UseTaskDefinition(subject=subject, arn=arn, role=role) if arn else None
