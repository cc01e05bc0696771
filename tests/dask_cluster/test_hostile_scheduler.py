"""What a tenant may have put in a scheduler's place can neither run code here, nor fill the memory, nor hold us up."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import pickle
import struct
import time
import tracemalloc
from typing import TYPE_CHECKING, Any

import msgpack
import pytest
from distributed import protocol

from dask_cluster.processes import free_address
from dask_ecs.dask.errors import SchedulerError, SchedulerProtocolError, SchedulerUnreachableError
from dask_ecs.dask.scheduler import identity, retire_workers, terminate, workers_to_close
from dask_ecs.dask.wire import MAX_ANSWER_BYTES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

SLACK = 2**20


def message(*frames: bytes) -> bytes:
    """Put frames together as distributed does."""
    lengths = struct.pack(f"<{1 + len(frames)}Q", len(frames), *map(len, frames))
    body = lengths + b"".join(frames)
    return struct.pack("<Q", len(body)) + body


HANDSHAKE = message(msgpack.packb({"compression": None, "python": (3, 12, 0), "pickle-protocol": 5}))


@contextlib.asynccontextmanager
async def peer(
    *answers: bytes,
    handshake: bytes = HANDSHAKE,
    pause: float = 0,
    reads: bool = True,
    hangs_up: bool = True,
) -> AsyncIterator[str]:
    """Give the address of something that sends the same to all who connect, perhaps a byte at a time."""
    over = asyncio.Event()
    serving: list[asyncio.Task[None]] = []

    async def read(reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(ConnectionError):
            while await reader.read(2**16):
                pass

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.append(asyncio.create_task(serve(reader, writer)))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reading = asyncio.create_task(read(reader)) if reads else None
        with contextlib.suppress(ConnectionError):
            for data in (handshake, *answers):
                for chunk in [data] if not pause else [data[at : at + 1] for at in range(len(data))]:
                    writer.write(chunk)
                    await writer.drain()
                    await asyncio.sleep(pause)
            if not hangs_up:
                await over.wait()
            if reading:
                writer.write_eof()
                await reading
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with server:
        try:
            yield f"tcp://{host}:{port}"
        finally:
            over.set()
            await asyncio.gather(*serving)


def answers_of(workers: int) -> dict[str, Any]:
    """Make an honest answer, with about as many bytes a worker as a real one."""
    return {
        "type": "Scheduler",
        "id": "Scheduler-1",
        "address": "tcp://10.0.0.1:8786",
        "services": {"dashboard": 8787},
        "workers": {
            f"tcp://10.0.{number // 250}.{number % 250}:40000": {
                "type": "Worker",
                "id": number,
                "host": f"10.0.{number // 250}.{number % 250}",
                "name": number,
                "nthreads": 4,
                "status": "running",
                "metrics": {f"metric-{metric}": float(metric) for metric in range(80)},
            }
            for number in range(workers)
        },
    }


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[pathlib.Path], None], tuple[pathlib.Path]]:
        return pathlib.Path.touch, (self.path,)


def bomb_frames(path: pathlib.Path) -> list[bytes]:
    header = {"pickled-obj": pickle.dumps(Bomb(path)), "num-sub-frames": 0}
    return [msgpack.packb({"id": {"__Pickled__": 1}, "__Pickled__": 1}), msgpack.packb(header)]


CALLS: list[Callable[[str], Awaitable[object]]] = [
    identity,
    lambda address: retire_workers(address, workers=["tcp://10.0.0.1:1"]),
    lambda address: workers_to_close(address, hosts=1),
]


@pytest.mark.parametrize("call", CALLS)
async def test_a_pickled_answer_is_not_unpickled(
    tmp_path: pathlib.Path, call: Callable[[str], Awaitable[object]]
) -> None:
    path = tmp_path / "made"
    bomb = message(*bomb_frames(path))
    for answers, handshake in (((bomb,), HANDSHAKE), ((), bomb)):
        async with peer(*answers, handshake=handshake) as address:
            with contextlib.suppress(SchedulerError):
                await call(address)
    assert not path.exists()


def test_distributed_would_unpickle_it_even_when_told_not_to(tmp_path: pathlib.Path) -> None:
    # Why `dask_ecs.dask.wire` is there. Should this fail one day, it may no longer be needed.
    path = tmp_path / "made"
    protocol.loads(bomb_frames(path), deserialize=False)
    assert path.exists()


@pytest.mark.parametrize(
    "announcement",
    [
        pytest.param(struct.pack("<3Q", 2**62, 1, 2**62), id="a frame of 4 EiB"),
        pytest.param(struct.pack("<3Q", 2**64 - 1, 1, MAX_ANSWER_BYTES + 1), id="a frame of a byte too many"),
        pytest.param(struct.pack("<2Q", 2**62, 2**59), id="many frames"),
        pytest.param(struct.pack("<2Q", 16, 0), id="no frame"),
        pytest.param(struct.pack("<3Q", 24, 1, 0), id="an empty frame"),
        pytest.param(struct.pack("<3Q", 24, 1, 1000), id="a frame that is larger than all"),
        pytest.param(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", id="a web server"),
        pytest.param(b"SSH-2.0-OpenSSH_9.9\r\n" + bytes(40), id="an SSH server"),
        pytest.param(b"\xff" * 64, id="ones"),
        pytest.param(bytes(64), id="zeros"),
    ],
)
async def test_what_can_be_no_answer_is_refused_before_room_is_made_for_it(announcement: bytes) -> None:
    for answers, handshake in (((announcement,), HANDSHAKE), ((), announcement)):
        async with peer(*answers, handshake=handshake, hangs_up=False) as address:
            tracemalloc.start()
            try:
                with pytest.raises(SchedulerProtocolError, match=r"frames|bytes"):
                    await identity(address)
                assert tracemalloc.get_traced_memory()[1] < SLACK
            finally:
                tracemalloc.stop()


async def test_room_is_made_for_what_comes_not_for_what_is_announced() -> None:
    async with peer(struct.pack("<3Q", 2**40, 1, MAX_ANSWER_BYTES) + bytes(1000), hangs_up=False) as address:
        tracemalloc.start()
        try:
            with pytest.raises(SchedulerUnreachableError, match=r"within 0\.3 s"):
                await identity(address, deadline=0.3)
            assert tracemalloc.get_traced_memory()[1] < SLACK
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize(
    "filling",
    [
        pytest.param(b"\x80", id="empty maps"),
        pytest.param(b"\x90", id="empty lists"),
        pytest.param(b"\x91", id="lists in lists"),
        pytest.param(b"\xa2ab", id="short texts"),
        pytest.param(b"\xdd\xff\xff\xff\xff", id="lists that announce 4 billion items"),
        pytest.param(b"\xdf\xff\xff\xff\xff", id="maps that announce 4 billion entries"),
        pytest.param(b"\xdb\xff\xff\xff\xff", id="texts that announce 4 GiB"),
        pytest.param(b"\xc7\x01\x01a", id="extension types"),
    ],
)
@pytest.mark.parametrize("call", CALLS)
async def test_an_answer_takes_little_more_memory_than_its_bytes(
    filling: bytes, call: Callable[[str], Awaitable[object]]
) -> None:
    size = 4 * 2**20
    count = size // len(filling)
    # As the value of a field that is read, of one that is not, and as all there is.
    values = b"\xdd" + struct.pack(">I", count) + filling * count
    in_a_field = b"\x83" + b"\xa4type\xa9Scheduler" + b"\xa7workers" + values + b"\xa2id\xa1x"
    for answer in (in_a_field, in_a_field.replace(b"workers", b"metrics"), values):
        async with peer(message(answer)) as address:
            tracemalloc.start()
            before = tracemalloc.get_traced_memory()[0]
            try:
                with contextlib.suppress(SchedulerError):
                    await call(address)
                # The peer's copy, the reader's two and msgpack's, one inside the other.
                assert tracemalloc.get_traced_memory()[1] - before < 6 * size
            finally:
                tracemalloc.stop()


@pytest.mark.parametrize("call", [identity, terminate])
async def test_a_peer_that_sends_a_byte_now_and_then_is_given_up(call: Callable[..., Awaitable[object]]) -> None:
    async with peer(message(msgpack.packb(answers_of(1))), pause=0.05) as address:
        started = time.monotonic()
        with pytest.raises(SchedulerUnreachableError, match=r"did not answer within 0\.5 s"):
            await call(address, deadline=0.5)
        assert time.monotonic() - started < 8


async def test_a_peer_that_accepts_and_says_nothing_is_given_up() -> None:
    async with peer(handshake=b"", hangs_up=False) as address:
        with pytest.raises(SchedulerUnreachableError, match="did not answer"):
            await identity(address, deadline=0.3)


async def test_a_peer_that_reads_nothing_is_given_up() -> None:
    async with peer(reads=False, hangs_up=False) as address:
        many = [f"tcp://10.0.0.1:{port}" for port in range(10_000)] * 40
        with pytest.raises(SchedulerUnreachableError, match="did not answer"):
            await retire_workers(address, workers=many, deadline=0.5)


async def test_a_scheduler_that_does_not_end_when_told_to_is_reported() -> None:
    async with peer(hangs_up=False) as address:
        with pytest.raises(SchedulerUnreachableError, match="did not answer"):
            await terminate(address, deadline=0.3)


async def test_a_peer_that_hangs_up_is_unreachable() -> None:
    async with peer() as address:
        with pytest.raises(SchedulerUnreachableError, match="No connection"):
            await identity(address)


async def test_an_address_where_nothing_listens_is_unreachable() -> None:
    with pytest.raises(SchedulerUnreachableError, match="No connection"):
        await identity(free_address())


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"type": "Worker"}, "no Dask scheduler"),
        ({"type": 5}, "where a text belongs"),
        ({"id": ["a"]}, "where a text belongs"),
        ({"id": "a" * 300}, "256 are the most"),
        ({"workers": []}, "another form"),
        ({"workers": {f"{number}": {} for number in range(10_001)}}, "10000 are the most"),
        ({"workers": {1: {}}}, "where a text belongs"),
        ({"workers": {"tcp://10.0.0.1:1": {}}}, "'host'"),
        ({"workers": {"tcp://10.0.0.1:1": {"host": "a", "name": 1, "nthreads": "4"}}}, "where a number belongs"),
    ],
)
async def test_an_identity_of_another_form_is_refused(change: dict[str, object], complaint: str) -> None:
    async with peer(message(msgpack.packb(answers_of(1) | change))) as address:
        with pytest.raises(SchedulerProtocolError, match=complaint):
            await identity(address)


async def test_what_is_no_msgpack_is_refused() -> None:
    for frame in (b"\xc1", b"\x82\xa2id", b"\x81\xa4type\xa2\xff\xff", b"\x01", b"\x80", b"\xc0"):
        async with peer(message(frame)) as address:
            with pytest.raises(SchedulerProtocolError):
                await identity(address)


async def test_the_identity_of_2000_workers_is_read() -> None:
    packed = msgpack.packb(answers_of(2000))
    assert len(packed) > 2000 * 1500
    async with peer(message(packed)) as address:
        seen = await identity(address)
        assert len(seen.workers) == len(seen.hosts) == 2000
        assert {worker.name for worker in seen.workers} == {str(number) for number in range(2000)}


async def test_frames_that_follow_the_answer_do_not_matter() -> None:
    async with peer(message(msgpack.packb(answers_of(3)), b"more", bytes(100_000))) as address:
        assert len((await identity(address)).workers) == 3
