"""Where the tasks of each role go: both into one VPC, each into the subnets that are its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dask_ecs.api.status import ResolvedNetwork, ResolvedSubnets
from dask_ecs.plan.actions import ResolveNetwork
from dask_ecs.plan.observed import Network

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dask_ecs.plan.observed import Known, Role
    from dask_ecs.plan.target import Target


def plan(target: Target, known: Known) -> tuple[dict[Role, Network], list[ResolveNetwork]]:
    """Return the networks that are known, and how to come by them all as far as that can be told yet."""
    first, *others = target.cluster.spec.roles
    action = _resolve(target, first)
    wanted, networks = [action], {}
    if (found := known.answer(action)) is not None:
        networks[first] = found
        for role in others:
            theirs = _resolve(target, role, beside=found)
            if _asks_alike(theirs, action):
                networks[role] = found
                continue
            wanted.append(theirs)
            if (answer := known.answer(theirs)) is not None:
                networks[role] = answer
    return networks, wanted


def resolved(networks: Mapping[Role, Network], *, before: ResolvedNetwork) -> ResolvedNetwork:
    """Return the networks as the status holds them; what is not known yet is as it was before."""
    network, theirs = next(iter(networks.values()), None), networks.get("worker")
    if network is None:
        return before
    if theirs is None:
        worker = before.worker
    elif theirs == network:
        worker = None
    else:
        worker = ResolvedSubnets(subnets=theirs.subnets, assign_public_ip=theirs.assign_public_ip)
    return ResolvedNetwork(
        vpc_id=network.vpc_id,
        subnets=network.subnets,
        vpc_cidrs=network.vpc_cidrs,
        assign_public_ip=network.assign_public_ip,
        worker=worker,
    )


def _resolve(target: Target, role: Role, *, beside: Network | None = None) -> ResolveNetwork:
    spec = target.cluster.spec
    subnets = spec.subnets_of(role)
    own = spec.role(role).subnets
    fargate = spec.launch_type_of(role) == "FARGATE"
    zones = spec.capacity.availability_zones if spec.capacity and not fargate else ()
    return ResolveNetwork(
        vpc_id=spec.network.vpc_id or (beside.vpc_id if beside else None),
        subnets=subnets,
        assign_public_ip=spec.network.assign_public_ip,
        fargate=fargate,
        zones=zones,
        # Other zones are other subnets.
        frozen=None if subnets or zones else _frozen(target, role),
        field=f"spec.{role}.subnets" if own else "spec.network.subnets",
    )


def _frozen(target: Target, role: Role) -> Network | None:
    """Return what the spec and the account came to before: it stays so for the cluster's life."""
    before = target.cluster.status.network
    theirs = before if role == target.cluster.spec.roles[0] else before.worker
    if not before.vpc_id or theirs is None:
        return None
    return Network(
        vpc_id=before.vpc_id,
        vpc_cidrs=before.vpc_cidrs,
        subnets=theirs.subnets,
        assign_public_ip=theirs.assign_public_ip,
    )


def _asks_alike(one: ResolveNetwork, other: ResolveNetwork) -> bool:
    return (one.subnets, one.fargate) == (other.subnets, other.fargate)
