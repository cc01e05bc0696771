"""The rule that on Fargate a role's cpu and memory are a size that Fargate sells, with the nearest in the message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from dask_ecs.api.fargate import LARGEST, OFFERS, Size, nearest, sells
from dask_ecs.api.launch_rules import launch_type_cel
from dask_ecs.api.rules import Rule

if TYPE_CHECKING:
    from dask_ecs.api.spec import DaskClusterSpec, Scheduler, Worker

# CEL has no names for intermediate values, so each expression below is written over lists of integers:
# `size` is [CPU units, MiB], `offer` is [CPU units, least MiB, most MiB, step in MiB].
_OFFERS = "[" + ", ".join(f"[{o.cpu_units}, {o.least}, {o.most}, {o.step}]" for o in OFFERS) + "]"
_LARGEST = f"[[{LARGEST.cpu_units}, {LARGEST.memory_mib}, {LARGEST.memory_mib}, 1]]"
_SOLD = (
    f"{_OFFERS}.exists(offer, offer[0] == size[0] && size[1] >= offer[1] && size[1] <= offer[2]"
    " && (offer[2] - size[1]) % offer[3] == 0)"
)
_NEAREST = (
    f"({_OFFERS}.filter(offer, offer[0] >= size[0] && offer[2] >= size[1]) + {_LARGEST}).map(offer,"
    " [offer[0], size[1] <= offer[1] ? offer[1] : size[1] >= offer[2] ? offer[2]"
    " : offer[2] - (offer[2] - size[1]) / offer[3] * offer[3]])[0]"
)
# `format` and not `+`: the API server's estimate of what an expression costs knows no bound for `string(...) + ...`.
_TEXTS = (
    "[near[0] % 1024 == 0 ? string(near[0] / 1024) : '%dm'.format([near[0] * 1000 / 1024]),"
    " near[1] % 1024 == 0 ? '%dGi'.format([near[1] / 1024]) : '%dMi'.format([near[1]])]"
)
_REFUSAL = "Fargate does not sell this cpu with this memory: "
_ADVICE = f"{_REFUSAL}the nearest that holds both is "


def _size_of(role: Scheduler | Worker) -> Size:
    return Size(role.cpu_units, role.memory_mib)


def sold_by_fargate(name: Literal["scheduler", "worker"]) -> Rule:
    """Return the rule on the spec for one of its two roles."""

    def role(spec: DaskClusterSpec) -> Scheduler | Worker:
        return spec.scheduler if name == "scheduler" else spec.worker

    cpu, memory = f"string(self.{name}.cpu)", f"string(self.{name}.memory)"
    size = (
        f"[int(quantity({cpu}).asApproximateFloat() * 1024.0),"
        f" int(quantity({memory}).asApproximateFloat() / 1048576.0)]"
    )
    return Rule(
        # What is no quantity is refused by the fields' own rules.
        cel=f"{launch_type_cel(name)} != 'FARGATE' || !isQuantity({cpu}) || !isQuantity({memory})"
        f" || [{size}].exists(size, {_SOLD})",
        holds=lambda spec: spec.launch_type_of(name) != "FARGATE" or sells(*_size_of(role(spec))),
        message=f"{_REFUSAL}see the table of task sizes in the ECS developer guide",
        message_cel=f"[{size}].map(size, {_NEAREST}).map(near, '{_ADVICE}cpu: %s, memory: %s'.format({_TEXTS}))[0]",
        explain=lambda spec: f"{_ADVICE}{nearest(*_size_of(role(spec)))}",
        field=f".{name}",
    )
