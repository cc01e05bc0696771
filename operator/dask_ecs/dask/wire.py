"""Dask's TCP protocol, as much of it as asking a scheduler needs, for schedulers that may be hostile.

`distributed.comm` is not used: it unpickles whatever frame a message calls pickled, even with `deserialize=False`, and
makes room for as many bytes as a peer announces (`distributed.protocol.core.loads`, `distributed.comm.tcp.TCP.read`).
Here nothing is unpickled or decompressed, and room is made for what has arrived, never for what is announced.

A message is: its length without the frames that follow it apart, the number of frames, their lengths (each an unsigned
64-bit integer, least significant byte first), the frames. The first frame is the message in msgpack; the others are
objects it refers to, which the operator never asks for. Each side starts with a message that describes itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
import urllib.parse
from typing import TYPE_CHECKING, Any

import msgpack

from dask_ecs.dask.errors import SchedulerProtocolError, SchedulerUnreachableError
from dask_ecs.dask.tls_context import tls_context

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from dask_ecs.plan.certificate import Certificate

# Our own bound: an idle worker takes 0.7 KB of an `identity` (measured), one that exchanges data with many others more.
MAX_ANSWER_BYTES = 32 * 2**20

# Answers to what the operator asks have one frame, errors three.
MAX_FRAMES = 64

# No compression, and the pickle protocol of Python 3.8 on; the peer wants to read both.
_HANDSHAKE = {"compression": None, "python": (3, 9, 0), "pickle-protocol": 5}

_WORD = struct.calcsize("<Q")


async def ask(
    address: str, request: Mapping[str, Any], *, certificate: Certificate | None = None, deadline: float
) -> memoryview:
    """Send a request to a scheduler and give its answer, which is still msgpack.

    `address` is `tcp://HOST:PORT`, or `tls://HOST:PORT` with the certificate to show. All together takes `deadline`
    seconds at most.

    Raises SchedulerUnreachableError, SchedulerProtocolError, and ValueError for an address of another form.
    """
    async with _connection(address, certificate=certificate, deadline=deadline) as (reader, writer):
        _send(writer, {**request, "reply": True, "close": True})
        return memoryview(await _receive(reader, address))


async def tell(
    address: str, request: Mapping[str, Any], *, certificate: Certificate | None = None, deadline: float
) -> None:
    """Send a request that makes the scheduler hang up, and wait until it does; otherwise as `ask`."""
    async with _connection(address, certificate=certificate, deadline=deadline) as (reader, writer):
        _send(writer, {**request, "reply": False})
        with contextlib.suppress(ConnectionError):
            while await reader.read(2**16):
                pass


@contextlib.asynccontextmanager
async def _connection(
    address: str, *, certificate: Certificate | None, deadline: float
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    host, port, encrypted = _parts(address)
    if encrypted and certificate is None:
        raise SchedulerUnreachableError(f"The certificate for the scheduler at {address} is not known yet")
    try:
        tls = tls_context(certificate) if encrypted and certificate else None
        async with asyncio.timeout(deadline):
            reader, writer = await asyncio.open_connection(host, port, ssl=tls)
            try:
                _send(writer, _HANDSHAKE)
                await _receive(reader, address)
                yield reader, writer
            finally:
                # Not close(): that waits for a peer that does not read.
                writer.transport.abort()
    except TimeoutError as error:
        message = f"The scheduler at {address} did not answer within {deadline:g} s"
        raise SchedulerUnreachableError(message) from error
    except (OSError, asyncio.IncompleteReadError) as error:
        raise SchedulerUnreachableError(f"No connection with the scheduler at {address}: {error}") from error


def _parts(address: str) -> tuple[str, int, bool]:
    """Return host, port, and whether the connection is encrypted."""
    url = urllib.parse.urlsplit(address)
    if url.scheme not in ("tcp", "tls") or not url.hostname or not url.port:
        raise ValueError(f"A scheduler's address has the form tcp://HOST:PORT or tls://HOST:PORT, not {address!r}")
    return url.hostname, url.port, url.scheme == "tls"


def _send(writer: asyncio.StreamWriter, message: Mapping[str, Any]) -> None:
    frame = msgpack.packb(message)
    writer.write(struct.pack("<QQQ", 2 * _WORD + len(frame), 1, len(frame)) + frame)


async def _receive(reader: asyncio.StreamReader, address: str) -> bytes:
    """Read one message and give its first frame; whatever frames follow are left unread."""
    announced, count = struct.unpack("<QQ", await reader.readexactly(2 * _WORD))
    if not 1 <= count <= MAX_FRAMES:
        raise SchedulerProtocolError(f"{address} announces a message of {count} frames: that is no Dask scheduler")
    lengths = struct.unpack(f"<{count}Q", await reader.readexactly(count * _WORD))
    size = lengths[0]
    if not 0 < size <= min(announced, MAX_ANSWER_BYTES):
        raise SchedulerProtocolError(f"{address} announces an answer of {size} bytes; {MAX_ANSWER_BYTES} are the most")
    return await reader.readexactly(size)
