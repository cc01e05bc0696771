import asyncio
import collections
import itertools
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dask_ecs.aws.quotas import Quotas
from dask_ecs.controllers.launch_queue import COLLECT_WITHIN, PATIENCE, Granted, LaunchQueue, Waiting
from dask_ecs.plan.observed import ROLES, Role
from dask_ecs.plan.quota import Capacity

from .virtual_time import run_in_virtual_time

REGION = "eu-west-1"


class Tenants:
    """Objects that ask for launches, and ask again when they are woken, as reconcile does."""

    def __init__(self) -> None:
        self.late = 0.0  # seconds by which timers fire too late
        self.quotas = Quotas(limits={}, clock=self.clock)
        self.queue = LaunchQueue(quotas_of=lambda _: self.quotas, wake=self._woken, clock=self.clock)
        self.wants: dict[tuple[str, Role], tuple[str, int, Capacity]] = {}
        self.launched: list[tuple[float, str, Role, int]] = []  # when, namespace, role, count
        self.woken: list[str] = []
        self.deaf: set[str] = set()

    def clock(self) -> float:
        return asyncio.get_running_loop().time() + self.late

    def ask(
        self, uid: str, *, namespace: str = "a", role: Role = "worker", count: int = 1, capacity: Capacity = "FARGATE"
    ) -> Granted | Waiting:
        self.wants[uid, role] = (namespace, count, capacity)
        answer = self.queue.ask(uid, namespace, region=REGION, role=role, count=count, capacity=capacity)
        if isinstance(answer, Granted):
            assert (answer.count, answer.capacity) == (count, capacity)
            self.launched.append((self.clock(), namespace, role, count))
            del self.wants[uid, role]
        return answer

    def position(self, uid: str, **more: Any) -> int:
        answer = self.ask(uid, **more)
        assert isinstance(answer, Waiting)
        return answer.position

    def _woken(self, uid: str) -> None:
        self.woken.append(uid)
        if uid not in self.deaf:
            asyncio.get_running_loop().call_soon(self._ask_again, uid)

    def _ask_again(self, uid: str) -> None:
        for role in ROLES:
            if (uid, role) in self.wants:
                namespace, count, capacity = self.wants[uid, role]
                self.ask(uid, namespace=namespace, role=role, count=count, capacity=capacity)

    def exhaust(self, capacity: Capacity = "FARGATE") -> None:
        """Have all tokens taken, so that who asks waits."""
        for number in itertools.count():
            if not isinstance(self.ask(f"early-{number}", capacity=capacity), Granted):
                break
        self.queue.withdraw(f"early-{number}")
        self.wants.clear()
        self.launched.clear()

    async def take_all_tasks(self) -> None:
        """Launch until the tasks' tokens are short of ten, not only RunTask's own of one."""
        waiting = self.ask("early", count=10)
        async with asyncio.timeout(60):
            while isinstance(waiting, Granted) or waiting.eta_seconds < 0.06:
                await asyncio.sleep(0.06)
                waiting = self.ask("early", count=10)
        self.queue.withdraw("early")
        self.wants.clear()
        self.launched.clear()
        self.woken.clear()

    async def until_served(self, *, within: float) -> None:
        await until(lambda: not self.wants, within=within)


async def until(condition: Callable[[], bool], *, within: float) -> None:
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 (virtual time)
            await asyncio.sleep(0.001)


def in_virtual_time(test: Callable[[Tenants], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    async def main() -> None:
        tenants = Tenants()
        await test(tenants)
        await tenants.queue.close()

    def run() -> None:
        run_in_virtual_time(main())

    run.__name__ = test.__name__
    return run


@in_virtual_time
async def test_who_finds_the_tokens_there_is_granted_at_once(tenants: Tenants) -> None:
    answer = tenants.ask("u", count=10)
    assert answer == Granted(region=REGION, capacity="FARGATE", count=10)
    assert tenants.woken == []


@in_virtual_time
async def test_who_waits_is_woken_when_its_tokens_are_there_and_then_granted(tenants: Tenants) -> None:
    tenants.exhaust()
    answer = tenants.ask("u")
    assert isinstance(answer, Waiting)
    assert answer.position == 1
    started = tenants.clock()
    await tenants.until_served(within=60)
    assert tenants.woken == ["u"]
    assert tenants.clock() - started == pytest.approx(answer.eta_seconds, abs=0.02)


@in_virtual_time
async def test_asking_again_keeps_the_place(tenants: Tenants) -> None:
    tenants.exhaust()
    for uid in ("first", "second", "third"):
        tenants.ask(uid)
    assert [tenants.position(uid) for uid in ("first", "third", "second", "third")] == [1, 3, 2, 3]
    assert len(tenants.queue) == 3


@in_virtual_time
async def test_a_changed_count_is_granted_in_the_old_place(tenants: Tenants) -> None:
    tenants.exhaust()
    for uid in ("first", "second"):
        tenants.ask(uid, count=2)
    assert tenants.position("first", count=10) == 1
    await tenants.until_served(within=60)
    assert [count for _, _, _, count in tenants.launched] == [10, 2]


@in_virtual_time
async def test_what_asks_for_other_capacity_does_not_wait_behind_what_lacks_tokens(tenants: Tenants) -> None:
    capacities: tuple[Capacity, ...] = ("FARGATE_SPOT", "EC2")
    await tenants.take_all_tasks()
    for number in range(5):
        tenants.ask(f"on-demand-{number}", count=10)
    for capacity in capacities:
        tenants.ask(capacity, count=10, capacity=capacity)
    await until(lambda: not tenants.wants.keys() & {(capacity, "worker") for capacity in capacities}, within=0.2)
    assert tenants.position("on-demand-4", count=10) >= 4


@in_virtual_time
async def test_schedulers_go_before_workers(tenants: Tenants) -> None:
    tenants.exhaust()
    for number in range(5):
        tenants.ask(f"w{number}", namespace=f"n{number}")
        tenants.ask(f"s{number}", namespace=f"n{number}", role="scheduler")
    assert tenants.position("w0", namespace="n0") == 6
    await tenants.until_served(within=60)
    assert [role for _, _, role, _ in tenants.launched] == ["scheduler"] * 5 + ["worker"] * 5


@in_virtual_time
async def test_workers_move_even_while_schedulers_keep_coming(tenants: Tenants) -> None:
    tenants.exhaust()
    tenants.ask("worker", namespace="quiet")
    asked_at = tenants.clock()
    numbers = itertools.count()
    async with asyncio.timeout(PATIENCE + 60):
        while ("worker", "worker") in tenants.wants:
            for _ in range(10):
                tenants.ask(f"s{next(numbers)}", namespace="noisy", role="scheduler")
            await asyncio.sleep(0.25)
    assert tenants.clock() - asked_at < PATIENCE + 1


@in_virtual_time
async def test_a_namespace_that_asks_for_ten_at_a_time_gets_no_more_than_one_that_asks_for_one(
    tenants: Tenants,
) -> None:
    tenants.exhaust()
    for number in range(30):
        tenants.ask(f"big-{number}", namespace="big", count=10)
    for number in range(150):
        tenants.ask(f"small-{number}", namespace="small", count=1)
    got: collections.Counter[str] = collections.Counter()
    async with asyncio.timeout(300):
        while got["small"] < 150:
            await asyncio.sleep(0.05)
            got = collections.Counter()
            for _, namespace, _, count in tenants.launched:
                got[namespace] += count
    assert abs(got["big"] - got["small"]) <= 10 + 1 + 10  # each one's largest launch, and what was looked at late
    await tenants.until_served(within=300)


@in_virtual_time
async def test_a_late_namespace_does_not_wait_for_all_that_others_have_asked_before(tenants: Tenants) -> None:
    tenants.exhaust()
    for number in range(1000):
        tenants.ask(f"u{number}", namespace="early")
    assert tenants.position("v", namespace="late") <= 2


@in_virtual_time
async def test_tokens_that_nobody_comes_for_go_to_the_next(tenants: Tenants) -> None:
    tenants.exhaust()
    tenants.deaf.add("deaf")
    tenants.ask("deaf", count=5)
    await asyncio.sleep(COLLECT_WITHIN - 1)
    assert tenants.woken == ["deaf"]
    assert len(tenants.queue) == 1
    await asyncio.sleep(COLLECT_WITHIN)
    assert len(tenants.queue) == 0
    assert isinstance(tenants.ask("next"), Granted)


@in_virtual_time
async def test_who_comes_too_late_but_before_anybody_else_gets_its_tokens(tenants: Tenants) -> None:
    tenants.exhaust()
    tenants.deaf.add("u")
    tenants.ask("u")
    await until(lambda: tenants.woken == ["u"], within=60)
    tenants.late = COLLECT_WITHIN + 1
    assert isinstance(tenants.ask("u"), Granted)
    assert len(tenants.queue) == 0


@in_virtual_time
async def test_who_changes_what_it_runs_on_makes_room_for_the_next(tenants: Tenants) -> None:
    await tenants.take_all_tasks()
    tenants.ask("u", count=10)
    tenants.ask("v", count=1)
    tenants.ask("u", count=10, capacity="EC2")
    await until(lambda: not tenants.wants, within=0.1)


@in_virtual_time
async def test_who_wants_more_than_was_granted_gets_all_of_it_or_waits_before_the_others(tenants: Tenants) -> None:
    tenants.deaf |= {"u", "v"}
    await tenants.take_all_tasks()
    tenants.ask("u", count=9)
    tenants.ask("v", count=1)
    await until(lambda: tenants.woken == ["u"], within=60)
    assert tenants.position("u", count=10) == 1
    tenants.deaf.clear()
    await tenants.until_served(within=60)
    assert [count for _, _, _, count in tenants.launched[-2:]] == [10, 1]


@in_virtual_time
async def test_who_wants_less_than_was_granted_leaves_the_rest(tenants: Tenants) -> None:
    tenants.exhaust()
    tenants.deaf.add("u")
    tenants.ask("u", count=10)
    await until(lambda: tenants.woken == ["u"], within=60)
    before = tenants.quotas.seconds_to_launch("FARGATE", calls=0, tasks=200)
    tenants.ask("u", count=1)
    after = tenants.quotas.seconds_to_launch("FARGATE", calls=0, tasks=200)
    assert before - after == pytest.approx(9 / 19.6)


@in_virtual_time
async def test_a_launch_that_is_not_made_gives_its_tokens_to_who_waits(tenants: Tenants) -> None:
    granted = tenants.ask("u")
    assert isinstance(granted, Granted)
    tenants.exhaust()
    assert isinstance(tenants.ask("v"), Waiting)
    tenants.queue.give_back(granted)
    assert tenants.woken == ["v"]


@in_virtual_time
async def test_who_withdraws_holds_nobody_up(tenants: Tenants) -> None:
    tenants.exhaust()
    for uid in ("first", "second"):
        tenants.ask(uid, role="scheduler")
        tenants.ask(uid, role="worker")
    tenants.queue.withdraw("first")
    assert tenants.position("second", role="scheduler") == 1
    assert tenants.position("second", role="worker") == 2
    tenants.queue.withdraw("nobody")


def test_nothing_runs_when_nobody_waits() -> None:
    async def main() -> None:
        tenants = Tenants()
        tenants.exhaust()
        tenants.ask("u")
        await tenants.until_served(within=60)
        await asyncio.Event().wait()

    with pytest.raises(RuntimeError, match="nothing is left"):
        run_in_virtual_time(main())


@in_virtual_time
async def test_ten_thousand_that_wait_are_looked_at_no_oftener_than_tokens_come(tenants: Tenants) -> None:
    tenants.exhaust()
    for number in range(10_000):
        tenants.ask(f"u{number}", namespace=f"n{number % 100}", role="scheduler")
    looks = 0
    take = tenants.quotas.take_launch

    def counted(capacity: Capacity, *, tasks: int) -> bool:
        nonlocal looks
        looks += 1
        return take(capacity, tasks=tasks)

    tenants.quotas.take_launch = counted  # type: ignore[method-assign]
    await asyncio.sleep(10)
    served = len(tenants.launched)
    assert 190 <= served <= 201
    assert looks <= 4 * served  # at a grant, after it, and when the granted one comes


asks = st.lists(
    st.tuples(
        st.floats(min_value=0, max_value=3),
        st.sampled_from(["a", "b", "c", "d"]),
        st.sampled_from(["scheduler", "worker"]),
        st.integers(min_value=1, max_value=10),
        st.sampled_from(["FARGATE", "FARGATE_SPOT", "EC2"]),
    ),
    max_size=80,
)


@settings(max_examples=60)
@given(asks)
def test_nobody_is_forgotten(launches: list[tuple[float, str, Role, int, Capacity]]) -> None:
    async def main() -> None:
        tenants = Tenants()
        for number, (pause, namespace, role, count, capacity) in enumerate(launches):
            await asyncio.sleep(pause)
            tenants.ask(f"u{number}", namespace=namespace, role=role, count=count, capacity=capacity)
        await tenants.until_served(within=120)
        assert len(tenants.launched) == len(launches)
        assert len(tenants.queue) == 0

    run_in_virtual_time(main())


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(1, 10)), min_size=1, max_size=80))
def test_while_two_namespaces_wait_neither_gets_more_than_a_launch_ahead(waiting: list[tuple[str, int]]) -> None:
    async def main() -> None:
        tenants = Tenants()
        tenants.exhaust()
        left: collections.Counter[str] = collections.Counter()
        for number, (namespace, count) in enumerate(waiting):
            tenants.ask(f"u{number}", namespace=namespace, count=count)
            left[namespace] += 1
        await tenants.until_served(within=120)
        got: collections.Counter[str] = collections.Counter()
        for _, namespace, _, count in tenants.launched:
            still = [name for name, number in left.items() if number]
            spread = [got[name] for name in still]
            assert max(spread) - min(spread) <= 10 + 10
            got[namespace] += count
            left[namespace] -= 1

    run_in_virtual_time(main())


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(1, 10)), min_size=1, max_size=60))
def test_without_newcomers_nobody_falls_back(waiting: list[tuple[str, int]]) -> None:
    async def main() -> None:
        tenants = Tenants()
        tenants.exhaust()
        before: dict[str, int] = {}
        for number, (namespace, count) in enumerate(waiting):
            tenants.ask(f"u{number}", namespace=namespace, count=count)
        for _ in range(20):
            await asyncio.sleep(0.2)
            for (uid, _), (namespace, count, _) in list(tenants.wants.items()):
                answer = tenants.ask(uid, namespace=namespace, count=count)
                if isinstance(answer, Waiting):
                    assert answer.position <= before.get(uid, len(waiting))
                    before[uid] = answer.position

    run_in_virtual_time(main())


deeds = st.lists(
    st.tuples(
        st.sampled_from(["ask", "ask", "ask", "withdraw", "give back", "go deaf", "hear", "wait", "stall"]),
        st.sampled_from(["u", "v", "w", "x", "y", "z"]),
        st.sampled_from(["scheduler", "worker"]),
        st.integers(min_value=1, max_value=10),
        st.sampled_from(["FARGATE", "FARGATE_SPOT", "EC2"]),
    ),
    max_size=60,
)


@settings(max_examples=100)
@given(deeds)
def test_whatever_is_done_in_between_all_are_served(
    todo: list[tuple[str, str, Role, int, Capacity]],
) -> None:
    async def main() -> None:
        tenants = Tenants()
        tenants.exhaust()
        for deed, uid, role, count, capacity in todo:
            match deed:
                case "ask":
                    tenants.ask(uid, namespace=uid, role=role, count=count, capacity=capacity)
                case "withdraw":
                    tenants.queue.withdraw(uid)
                    tenants.wants = {key: want for key, want in tenants.wants.items() if key[0] != uid}
                case "give back":
                    answer = tenants.ask(uid, namespace=uid, role=role, count=count, capacity=capacity)
                    if isinstance(answer, Granted):
                        tenants.queue.give_back(answer)
                case "go deaf":
                    tenants.deaf.add(uid)
                case "hear":
                    tenants.deaf.discard(uid)
                case "wait":
                    await asyncio.sleep(count / 10)
                case "stall":
                    tenants.late += COLLECT_WITHIN / 2
        tenants.deaf.clear()
        for (uid, role), (_, count, capacity) in list(tenants.wants.items()):
            tenants.ask(uid, namespace=uid, role=role, count=count, capacity=capacity)
        await tenants.until_served(within=120)
        assert len(tenants.queue) == 0

    run_in_virtual_time(main())
