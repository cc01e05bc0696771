import asyncio
from typing import Any

import pytest

from dask_ecs.controllers.shared import SharedAnswers
from dask_ecs.plan.actions import DeleteEcsCluster, EnsureEcsCluster
from dask_ecs.plan.capacity_actions import EnsureAutoScalingGroup, SizeAutoScalingGroup

REGION = "eu-west-1"
ENSURE = EnsureEcsCluster(name="made", tags={})


class Maker:
    """Does what takes a moment, and counts how often it was done and how many at once."""

    def __init__(self, error: Exception | None = None) -> None:
        self.done = 0
        self.at_once = 0
        self.most_at_once = 0
        self._error = error

    async def __call__(self) -> str:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0.01)
        self.at_once -= 1
        self.done += 1
        if self._error:
            raise self._error
        return f"answer {self.done}"


async def test_many_who_ask_at_once_get_the_answer_of_one_call() -> None:
    shared, make = SharedAnswers(), Maker()
    answers = await asyncio.gather(*(shared.get(REGION, ENSURE, make) for _ in range(100)))
    assert set(answers) == {"answer 1"}
    assert shared.of(REGION)[ENSURE.fingerprint] == "answer 1"


async def test_who_comes_after_the_answer_gets_it_without_a_call() -> None:
    shared, make = SharedAnswers(), Maker()
    await shared.get(REGION, ENSURE, make)
    assert await shared.get(REGION, ENSURE, make) == "answer 1"
    assert make.done == 1


async def test_all_who_wait_hear_of_a_failure_and_the_next_one_tries_again() -> None:
    shared, make = SharedAnswers(), Maker(error=OSError("no"))
    outcomes: list[Any] = await asyncio.gather(
        *(shared.get(REGION, ENSURE, make) for _ in range(3)), return_exceptions=True
    )
    assert [str(outcome) for outcome in outcomes] == ["no"] * 3
    assert make.done == 1
    assert await shared.get(REGION, ENSURE, Maker()) == "answer 1"


async def test_one_who_gives_up_waiting_does_not_end_the_call_for_others() -> None:
    shared, make = SharedAnswers(), Maker()
    impatient = asyncio.create_task(shared.get(REGION, ENSURE, make))
    patient = asyncio.create_task(shared.get(REGION, ENSURE, make))
    await asyncio.sleep(0)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    assert await patient == "answer 1"


async def test_what_is_forgotten_is_asked_for_again() -> None:
    shared, make = SharedAnswers(), Maker()
    await shared.get(REGION, ENSURE, make)
    shared.forget(REGION, fingerprints=[ENSURE.fingerprint])
    assert ENSURE.fingerprint not in shared.of(REGION)
    await shared.get(REGION, ENSURE, make)
    shared.forget(REGION, thing=ENSURE.thing)
    assert ENSURE.fingerprint not in shared.of(REGION)


async def test_a_thing_is_not_made_while_it_is_deleted() -> None:
    shared, make = SharedAnswers(), Maker()
    delete = DeleteEcsCluster(name="made", tags={})
    assert delete.thing == ENSURE.thing
    async with shared.lock(REGION, delete.thing):
        making = asyncio.create_task(shared.get(REGION, ENSURE, make))
        await asyncio.sleep(0.05)
        assert make.at_once == make.done == 0
    assert await making == "answer 1"


async def test_what_is_done_again_is_known_meanwhile_and_afterwards_to_all_who_asked_in_other_words() -> None:
    shared, make = SharedAnswers(), Maker()
    other = EnsureEcsCluster(name="made", tags={"team": "a"})
    await shared.get(REGION, ENSURE, make)
    await shared.get(REGION, other, Maker())
    now = asyncio.get_running_loop().time()
    await shared.again(REGION, ENSURE, make, older_than=now - 60)
    assert make.done == 1
    again = asyncio.create_task(shared.again(REGION, ENSURE, make, older_than=now + 60))
    await asyncio.sleep(0)
    assert shared.of(REGION)[ENSURE.fingerprint] == "answer 1"
    await again
    assert shared.of(REGION)[ENSURE.fingerprint] == shared.of(REGION)[other.fingerprint] == "answer 2"


async def test_what_is_edited_back_is_done_again() -> None:
    shared, make = SharedAnswers(), Maker()
    small, large = [SizeAutoScalingGroup(name="made", minimum=0, maximum=maximum) for maximum in (10, 20)]
    for action in (small, large, small, small):
        await shared.get(REGION, action, make)
    assert make.done == 3
    assert large.fingerprint not in shared.of(REGION)


async def test_a_thing_that_was_made_anew_gets_anew_what_was_done_to_it() -> None:
    shared, make = SharedAnswers(), Maker()
    ensure = EnsureAutoScalingGroup(
        name="made", template_version="1", subnets=(), instance_types=(), on_demand_percentage=100, tags={}
    )
    size = SizeAutoScalingGroup(name="made", minimum=0, maximum=10)
    await shared.get(REGION, ensure, make)
    await shared.get(REGION, size, lambda: asyncio.sleep(0, result=True))
    await shared.again(REGION, ensure, make, older_than=asyncio.get_running_loop().time() + 60)
    assert shared.of(REGION) == {ensure.fingerprint: "answer 2"}
