from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from dask_ecs.plan.scheduler import SchedulerIdentity, WorkerSeen, workers_on_cheapest_hosts


def seen(processes: Mapping[str, int]) -> SchedulerIdentity:
    """Make an identity with this many processes on each host, those of a host apart from each other."""
    rounds = range(max(processes.values(), default=0))
    return SchedulerIdentity(
        id="Scheduler-1",
        workers=tuple(
            WorkerSeen(address=f"tcp://{host}:{number}", host=host, name="w", nthreads=1, status="running")
            for number in rounds
            for host in processes
            if number < processes[host]
        ),
    )


def test_workers_are_found_by_their_task() -> None:
    identity = seen({"a": 2, "b": 1})
    assert identity.hosts == {"a", "b"}
    assert [worker.address for worker in identity.by_host["a"]] == ["tcp://a:0", "tcp://a:1"]
    assert SchedulerIdentity(id="x").hosts == frozenset()


def test_hosts_close_in_the_order_in_which_dask_offers_them() -> None:
    offered = ["tcp://c:0", "tcp://a:0", "tcp://b:0"]
    assert workers_on_cheapest_hosts(seen({"a": 1, "b": 1, "c": 1}), offered=offered, hosts=2) == (
        "tcp://c:0",
        "tcp://a:0",
    )


def test_a_host_that_dask_withholds_in_part_closes_last() -> None:
    offered = ["tcp://a:0", "tcp://b:0", "tcp://b:1"]
    assert workers_on_cheapest_hosts(seen({"a": 2, "b": 2}), offered=offered, hosts=1) == ("tcp://b:0", "tcp://b:1")


def test_a_worker_that_left_meanwhile_is_not_counted() -> None:
    assert workers_on_cheapest_hosts(seen({"a": 1}), offered=["tcp://gone:0", "tcp://a:0"], hosts=1) == ("tcp://a:0",)


@given(
    processes=st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 3)),
    hosts=st.integers(0, 8),
    data=st.data(),
)
def test_exactly_so_many_hosts_close_and_close_whole(
    processes: dict[str, int], hosts: int, data: st.DataObject
) -> None:
    identity = seen(processes)
    addresses = [worker.address for worker in identity.workers]
    offered = data.draw(st.lists(st.sampled_from(addresses), unique=True)) if addresses else []
    chosen = workers_on_cheapest_hosts(identity, offered=offered, hosts=hosts)
    closing = {worker.host for worker in identity.workers if worker.address in chosen}
    assert len(closing) == min(hosts, len(processes))
    assert sorted(chosen) == sorted(worker.address for host in closing for worker in identity.by_host[host])
