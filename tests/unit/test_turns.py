import asyncio
import contextlib

from dask_ecs.aws.turns import Turns, tenant


class Line:
    """Calls that wait for their turn, and the order in which they had it."""

    def __init__(self) -> None:
        self.turns = Turns()
        self.served: list[str] = []
        self.open = asyncio.Event()

    async def call(self, name: str, *, of: str = "", first: bool = False) -> None:
        tenant.set(of)
        async with self.turns.turn(first=first):
            await self.open.wait()
            self.served.append(name)

    async def all(self, *calls: "asyncio.Task[None]") -> None:
        """Let the line move once all stand in it."""
        await asyncio.sleep(0)
        self.open.set()
        await asyncio.gather(*calls)


async def test_one_tenants_many_calls_do_not_keep_another_waiting() -> None:
    line = Line()
    many = [asyncio.create_task(line.call(f"many-{number}", of="many")) for number in range(5)]
    few = [asyncio.create_task(line.call(f"few-{number}", of="few")) for number in range(2)]
    await line.all(*many, *few)
    assert line.served == ["many-0", "many-1", "few-0", "many-2", "few-1", "many-3", "many-4"]


async def test_what_frees_something_goes_first() -> None:
    line = Line()
    calls = [asyncio.create_task(line.call(f"make-{number}")) for number in range(3)]
    await line.all(*calls, asyncio.create_task(line.call("delete", first=True)))
    assert line.served == ["make-0", "delete", "make-1", "make-2"]


async def test_who_gives_up_does_not_keep_the_turn() -> None:
    line = Line()
    calls = [asyncio.create_task(line.call(f"call-{number}")) for number in range(4)]
    await asyncio.sleep(0)
    calls[1].cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await calls[1]
    await line.all(calls[0], calls[2], calls[3])
    assert line.served == ["call-0", "call-2", "call-3"]
    await line.call("later")
    assert line.served[-1] == "later"
