"""Reading a scheduler's answer without building what it says: a hostile one grows sixtyfold when it is unpacked.

An answer is walked where it lies: maps and lists only as far as they are asked for, and only short scalars become
objects. All functions raise SchedulerProtocolError for what is broken or of another type than was asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgpack

from dask_ecs.dask.errors import SchedulerProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# msgpack's specification, "Formats": fixmap, map 16, map 32.
_MAPS = frozenset({*range(0x80, 0x90), 0xDE, 0xDF})
_NIL = 0xC0


def is_map(packed: memoryview) -> bool:
    """Tell whether the value is a map."""
    return packed[0] in _MAPS


def is_nil(packed: memoryview) -> bool:
    """Tell whether the value is Python's None."""
    return packed[0] == _NIL


def entries(packed: memoryview, *, most: int) -> Iterator[tuple[str, memoryview]]:
    """Give the keys and the packed values of a map of `most` entries or fewer; all keys are texts."""
    unpacker = _unpacker(packed)
    for _ in range(_length(unpacker.read_map_header, most=most)):
        yield text(_next(unpacker, packed)), _next(unpacker, packed)


def items(packed: memoryview, *, most: int) -> Iterator[memoryview]:
    """Give the packed items of a list of `most` items or fewer."""
    unpacker = _unpacker(packed)
    for _ in range(_length(unpacker.read_array_header, most=most)):
        yield _next(unpacker, packed)


def text(packed: memoryview, *, most: int = 256) -> str:
    """Give a text of `most` bytes or fewer."""
    value = _scalar(packed, most=most)
    if not isinstance(value, str):
        raise SchedulerProtocolError(f"The scheduler's answer has a {type(value).__name__} where a text belongs")
    return value


def number(packed: memoryview) -> int:
    """Give a whole number."""
    value = _scalar(packed, most=8)
    if not isinstance(value, int):
        raise SchedulerProtocolError(f"The scheduler's answer has a {type(value).__name__} where a number belongs")
    return value


def label(packed: memoryview) -> str:
    """Give a text, or a whole number as a text: Dask's workers have names of either kind."""
    value = _scalar(packed, most=256)
    return str(value) if isinstance(value, int) else text(packed)


def _scalar(packed: memoryview, *, most: int) -> object:
    # A short text or a number has a header of 1 to 5 bytes before it.
    if len(packed) > most + 5:
        raise SchedulerProtocolError(f"The scheduler's answer has {len(packed)} bytes where {most} are the most")
    try:
        value: object = msgpack.unpackb(packed)
    except ValueError as error:
        raise SchedulerProtocolError(f"The scheduler's answer is broken: {error}") from error
    return value


def _unpacker(packed: memoryview) -> msgpack.Unpacker:
    unpacker = msgpack.Unpacker(max_buffer_size=len(packed))
    unpacker.feed(packed)
    return unpacker


def _length(read_header: Callable[[], int], *, most: int) -> int:
    try:
        length = read_header()
    except (ValueError, msgpack.OutOfData) as error:
        raise SchedulerProtocolError(f"The scheduler's answer has another form than Dask's: {error}") from error
    if length > most:
        raise SchedulerProtocolError(f"The scheduler's answer has {length} entries where {most} are the most")
    return length


def _next(unpacker: msgpack.Unpacker, packed: memoryview) -> memoryview:
    start = unpacker.tell()
    try:
        unpacker.skip()
    except (ValueError, msgpack.OutOfData) as error:
        raise SchedulerProtocolError(f"The scheduler's answer is broken: {error!r}") from error
    return packed[start : unpacker.tell()]
