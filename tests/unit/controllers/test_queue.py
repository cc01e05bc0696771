import asyncio

from dask_ecs.controllers.queue import Lane, WorkQueue


def by_name(key: str) -> Lane:
    return Lane[key.partition("-")[0].upper()]


async def test_a_key_added_twice_is_handled_once() -> None:
    queue = WorkQueue()
    queue.add("a")
    queue.add("a")
    assert await queue.get() == "a"
    queue.done("a")
    assert len(queue) == 0


async def test_a_key_added_while_it_is_handled_is_handled_again_but_not_beside() -> None:
    queue = WorkQueue()
    queue.add("a")
    await queue.get()
    queue.add("a")
    assert len(queue) == 0
    queue.done("a")
    assert await asyncio.wait_for(queue.get(), 1) == "a"


async def test_of_two_times_the_earlier_counts() -> None:
    queue = WorkQueue()
    queue.add_after("a", 3600)
    queue.add_after("a", 0)
    queue.add_after("a", 7200)
    assert await asyncio.wait_for(queue.get(), 1) == "a"
    queue.done("a")
    queue.close()


async def test_an_added_key_is_not_handled_once_more_when_its_time_comes() -> None:
    queue = WorkQueue()
    queue.add_after("a", 0)
    queue.add("a")
    await queue.get()
    queue.done("a")
    queue.add_after("b", 0.01)
    assert await asyncio.wait_for(queue.get(), 1) == "b"


async def test_keys_come_in_the_order_they_were_added() -> None:
    queue = WorkQueue()
    for key in "abc":
        queue.add(key)
    assert [await queue.get() for _ in range(3)] == ["a", "b", "c"]


async def test_urgent_keys_go_before_others() -> None:
    queue = WorkQueue(lane_of=by_name)
    for key in ("normal-a", "urgent-b", "normal-c"):
        queue.add(key)
    assert [await queue.get() for _ in range(3)] == ["urgent-b", "normal-a", "normal-c"]


async def test_keys_that_may_wait_come_after_others_but_for_a_share() -> None:
    queue = WorkQueue(lane_of=by_name)
    for number in range(30):
        queue.add(f"later-{number}")
        queue.add(f"normal-{number}")
    first = [await queue.get() for _ in range(20)]
    assert [key for key in first if key.startswith("later")] == ["later-0", "later-1"]
    assert {await queue.get() for _ in range(40)} >= {f"later-{number}" for number in range(2, 30)}


async def test_a_worker_waits_for_a_key_of_its_lanes() -> None:
    queue = WorkQueue(lane_of=by_name)
    queue.add("normal-a")
    waiting = asyncio.create_task(queue.get((Lane.SETTLED,)))
    await asyncio.sleep(0)
    assert not waiting.done()
    queue.add("settled-b")
    assert await waiting == "settled-b"
    assert await queue.get() == "normal-a"


async def test_a_key_that_is_to_be_first_is_handed_out_before_others_and_once() -> None:
    queue = WorkQueue()
    for key in ("a", "b", "c"):
        queue.add(key)
    queue.add("c", first=True)
    assert len(queue) == 3
    assert [await queue.get() for _ in range(3)] == ["c", "a", "b"]
    assert len(queue) == 0
    queue.add("c", first=True)
    queue.done("c")
    assert await queue.get() == "c"


async def test_keys_come_when_it_is_their_time_however_often_that_was_changed() -> None:
    queue = WorkQueue()
    keys = [f"{number:03}" for number in range(200)]
    for later in (3600, 60, 0):
        for index, key in enumerate(keys):
            queue.add_after(key, later + index / 10_000)
    queue.add_after("much later", 3600)
    came = []
    for _ in keys:
        came.append(await asyncio.wait_for(queue.get(), 1))
        queue.done(came[-1])
    assert came == keys
    assert len(queue) == 0
    queue.close()
