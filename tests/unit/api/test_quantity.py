import pytest
from hypothesis import given
from hypothesis import strategies as st

from dask_ecs.api.quantity import (
    InvalidQuantityError,
    format_cpu,
    format_memory,
    is_quantity,
    parse,
    parse_cpu,
    parse_memory,
)


@pytest.mark.parametrize(
    ("text", "cpu_units"),
    [(4, 4096), ("4", 4096), ("500m", 512), ("0.25", 256), (0.25, 256), (".5", 512), ("1e0", 1024), ("300m", 307)],
)
def test_cpu_is_read_as_cpu_units(text: str | int | float, cpu_units: int) -> None:
    assert parse_cpu(text) == cpu_units


@pytest.mark.parametrize(
    ("text", "mib"),
    [
        ("4Gi", 4096),
        ("512Mi", 512),
        ("0.5Gi", 512),
        ("16G", 15258),
        ("1Ti", 1024 * 1024),
        (4 * 2**30, 4096),
        (4096, 0),
        ("4294967296", 4096),
        ("4e9", 3814),
        ("4294967296000m", 4096),
    ],
)
def test_memory_is_read_as_mib(text: str | int, mib: int) -> None:
    assert parse_memory(text) == mib


@pytest.mark.parametrize("text", ["", "4 vCPU", "4GB", "four", "4gi", "1,5", "0x10", "1e", "1e999", "Gi", "٤", "nan"])
def test_what_is_no_quantity_is_refused_with_an_example(text: str) -> None:
    assert not is_quantity(text)
    with pytest.raises(InvalidQuantityError, match="as in 500m or 4Gi"):
        parse(text)


@pytest.mark.parametrize("read", [parse_cpu, parse_memory])
def test_a_negative_quantity_is_refused(read: type[int]) -> None:
    with pytest.raises(InvalidQuantityError, match="'-1' is negative"):
        read("-1")


@given(st.integers(min_value=1, max_value=192 * 8))
def test_cpu_is_read_as_it_was_written(eighths: int) -> None:
    assert parse_cpu(format_cpu(128 * eighths)) == 128 * eighths


@given(st.integers(min_value=6, max_value=32 * 2**20))
def test_memory_is_read_as_it_was_written(mib: int) -> None:
    assert parse_memory(format_memory(mib)) == mib
