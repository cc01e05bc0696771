"""What the operator asks of a running scheduler: who it is, and to let workers or all go. RPC only, never HTTP.

Every function takes `address` as `tcp://HOST:PORT` or `tls://HOST:PORT`, for the latter the certificate to show, and
the seconds after which it gives up. It raises a SchedulerError of `dask_ecs.dask.errors`, or ValueError for an address
of another form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dask_ecs.api.versions import ClusterVersions, Versions
from dask_ecs.dask import answer, packages, wire
from dask_ecs.dask.errors import SchedulerProtocolError, SchedulerRefusedError
from dask_ecs.plan.scheduler import Activity, SchedulerIdentity, WorkerSeen, workers_on_cheapest_hosts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dask_ecs.plan.certificate import Certificate

# Our own bound, five times the largest cluster we plan for: it keeps the time to read a hostile answer under a second.
MAX_WORKERS = 10_000

# `operator.attrgetter("host")` in pickle's first protocol: what `workers_to_close` groups by, for the scheduler to
# unpickle.
_BY_HOST = b"coperator\nattrgetter\n(S'host'\ntR."


# Ours: clients of one cluster that are not of the same environment are few.
_MOST_CLIENT_VERSIONS = 8

# What a scheduler evaluates to say all at once: its identity, how many clients are connected or keep results, as a
# published data set does, the whole seconds since it last had something to do, -1 while it has (distributed's
# `Scheduler.check_idle`), and what connected clients are made of, each once.
_STATE = (
    "lambda scheduler: {**scheduler.identity(), "
    "'clients': sum(name in scheduler.client_comms or bool(client.wants_what)"
    " for name, client in scheduler.clients.items()), "
    "'client_versions': [list(seen) for seen in sorted({"
    f"tuple(str(client.versions['packages'].get(package) or '')[:64] for package in {packages.OF_A_CLIENT!r})"
    " for name, client in scheduler.clients.items()"
    " if name in scheduler.client_comms and client.versions.get('packages')})"
    f"[:{_MOST_CLIENT_VERSIONS}]], "
    "'idle': (lambda since: -1 if since is None else int(__import__('time').time() - since))(scheduler.check_idle())}"
)

# Seconds after which `feed` would say it again: it then finds that nobody listens any more.
_FEED_INTERVAL = 1

# Our own bound, a year in seconds.
_LONGEST_IDLE = 31_536_000


async def state(
    address: str, *, certificate: Certificate | None = None, deadline: float = 5
) -> tuple[SchedulerIdentity, Activity | None]:
    """Ask a scheduler for its id, all its workers, and what it does; the latter is None where it does not tell.

    `deadline` is for each of two calls, of which mostly the first is enough.
    """
    request = {"op": "feed", "function": _evaluated(_STATE), "interval": _FEED_INTERVAL}
    try:
        fields = _fields(await _ask(address, request, certificate=certificate, deadline=deadline))
    except SchedulerRefusedError:  # a distributed of another age
        return await identity(address, certificate=certificate, deadline=deadline), None
    seen = _identity(address, fields)
    if not fields.keys() >= {"clients", "idle"}:
        return seen, None
    idle = min(answer.number(fields["idle"]), _LONGEST_IDLE)
    return seen, Activity(
        clients=answer.number(fields["clients"]),
        idle_seconds=None if idle < 0 else idle,
        client_versions=_client_versions(fields),
    )


async def identity(address: str, *, certificate: Certificate | None = None, deadline: float = 5) -> SchedulerIdentity:
    """Ask a scheduler for its id and all its workers."""
    packed = await _ask(address, {"op": "identity"}, certificate=certificate, deadline=deadline)
    return _identity(address, _fields(packed))


def _client_versions(fields: Mapping[str, memoryview]) -> tuple[Versions, ...]:
    if "client_versions" not in fields:
        return ()
    listed = answer.items(fields["client_versions"], most=_MOST_CLIENT_VERSIONS)
    return tuple(dict.fromkeys(packages.of_client(packed) for packed in listed))


def _identity(address: str, fields: Mapping[str, memoryview]) -> SchedulerIdentity:
    if not fields.keys() >= {"type", "id", "workers"} or answer.text(fields["type"]) != "Scheduler":
        raise SchedulerProtocolError(f"{address} is no Dask scheduler")
    workers = answer.entries(fields["workers"], most=MAX_WORKERS)
    return SchedulerIdentity(
        id=answer.text(fields["id"]), workers=tuple(_worker(address, packed) for address, packed in workers)
    )


async def retire_workers(
    address: str, *, workers: Sequence[str], certificate: Certificate | None = None, deadline: float = 120
) -> tuple[str, ...]:
    """Move the data of these workers to others and let them, and with them their tasks, end; give those that did.

    Not among them are workers that the scheduler does not know (any more), and those whose data no other worker can
    take. The scheduler goes on with it when the deadline has passed; asking again is safe.
    """
    request = {"op": "retire_workers", "workers": list(workers), "close_workers": True, "remove": True}
    return tuple(_fields(await _ask(address, request, certificate=certificate, deadline=deadline)))


async def workers_to_close(
    address: str, *, hosts: int, certificate: Certificate | None = None, deadline: float = 5
) -> tuple[str, ...]:
    """Choose this many hosts that the scheduler would lose least with, and give all workers' addresses, host by host.

    The scheduler prefers idle hosts, then those with little data. `deadline` is for each of two calls.
    """
    request = {"op": "workers_to_close", "n": MAX_WORKERS, "key": _BY_HOST}
    packed = await _ask(address, request, certificate=certificate, deadline=deadline)
    offered = [answer.text(item) for item in answer.items(packed, most=MAX_WORKERS)]
    seen = await identity(address, certificate=certificate, deadline=deadline)
    return workers_on_cheapest_hosts(seen, offered=offered, hosts=hosts)


async def versions(
    address: str, *, workers: Sequence[str], certificate: Certificate | None = None, deadline: float = 5
) -> ClusterVersions:
    """Ask a scheduler for its versions and, by it, for those of these workers. `deadline` is for each of two calls."""
    ours = packages.versions(await _ask(address, {"op": "versions"}, certificate=certificate, deadline=deadline))
    if not workers:
        return ClusterVersions(scheduler=ours)
    request = {"op": "broadcast", "msg": {"op": "versions"}, "workers": list(workers), "on_error": "ignore"}
    packed = await _ask(address, request, certificate=certificate, deadline=deadline)
    theirs = dict.fromkeys(packages.versions(of_one) for _, of_one in answer.entries(packed, most=len(workers)))
    return ClusterVersions(scheduler=ours, workers=tuple(theirs))


async def terminate(address: str, *, certificate: Certificate | None = None, deadline: float = 10) -> None:
    """Ask a scheduler to end; its workers follow by themselves. Return once it has hung up: it is then on its way."""
    await wire.tell(address, {"op": "terminate"}, certificate=certificate, deadline=deadline)


async def _ask(
    address: str, request: Mapping[str, Any], *, certificate: Certificate | None, deadline: float
) -> memoryview:
    packed = await wire.ask(address, request, certificate=certificate, deadline=deadline)
    if answer.is_map(packed):
        fields = _fields(packed)
        # An answer that reports a failure has these and the pickled exception, which stays unread.
        if "status" in fields and "exception_text" in fields:
            reason = answer.text(fields["exception_text"], most=2**15)
            raise SchedulerRefusedError(f"The scheduler at {address} refused {request['op']}: {reason[:500]}")
    return packed


def _evaluated(source: str) -> bytes:
    """Give what the scheduler unpickles, in pickle's first protocol, to what an expression evaluates to there."""
    return b"c__builtin__\neval\n(V" + source.encode() + b"\ntR."


def _fields(packed: memoryview) -> dict[str, memoryview]:
    return dict(answer.entries(packed, most=MAX_WORKERS))


def _worker(address: str, packed: memoryview) -> WorkerSeen:
    fields = dict(answer.entries(packed, most=64))
    try:
        return WorkerSeen(
            address=address,
            host=answer.text(fields["host"]),
            name=answer.label(fields["name"]),
            nthreads=answer.number(fields["nthreads"]),
            status=answer.text(fields["status"]),
        )
    except KeyError as missing:
        raise SchedulerProtocolError(f"The scheduler's answer does not give its worker's {missing}") from None
