import asyncio

from dask_ecs.controllers.slots import Slots, current, idle


async def test_no_more_work_at_once_than_there_are_slots() -> None:
    slots = Slots(2)
    first, _ = await slots.take(), await slots.take()
    third = asyncio.create_task(slots.take())
    await asyncio.sleep(0)
    assert not third.done()
    first.give_back()
    await third


async def test_who_waits_lets_another_work_and_goes_on_without_asking() -> None:
    slots = Slots(1)
    waiting = await slots.take()
    with waiting.idle(), waiting.idle():
        another = await slots.take()
    third = asyncio.create_task(slots.take())
    await asyncio.sleep(0)
    assert not third.done(), "two work by now"
    another.give_back()
    await asyncio.sleep(0)
    assert not third.done(), "one still does"
    waiting.give_back()
    await third


async def test_what_still_waits_when_its_slot_is_given_back_takes_none_again() -> None:
    slots = Slots(1)
    slot = await slots.take()
    with slot.idle():
        slot.give_back()
    with slot.idle():
        pass
    (await slots.take()).give_back()
    await slots.take()


async def test_what_has_no_slot_may_wait_all_the_same() -> None:
    slots = Slots(1)
    slot = await slots.take()
    with idle():
        third = asyncio.create_task(slots.take())
        await asyncio.sleep(0)
        assert not third.done()
    current.set(slot)
    with idle():
        await third
