import pytest
from hypothesis import given
from hypothesis import strategies as st

from dask_ecs.api.fargate import LARGEST, OFFERS, nearest, sells

CPU_UNITS = st.integers(min_value=1, max_value=LARGEST.cpu_units)
MIB = st.integers(min_value=1, max_value=LARGEST.memory_mib)


@pytest.mark.parametrize(
    ("cpu_units", "memory_mib"),
    [(256, 512), (256, 2048), (512, 3072), (1024, 4096), (4096, 16384), (8192, 20480), (16384, 122880)],
)
def test_fargate_sells_what_its_table_says(cpu_units: int, memory_mib: int) -> None:
    assert sells(cpu_units, memory_mib)
    assert nearest(cpu_units, memory_mib) == (cpu_units, memory_mib)


@pytest.mark.parametrize(
    ("cpu_units", "memory_mib"),
    [(256, 1536), (256, 3072), (384, 1024), (1024, 1024), (4096, 31744), (8192, 17408), (16384, 33792), (32768, 65536)],
)
def test_fargate_does_not_sell_what_is_not_in_its_table(cpu_units: int, memory_mib: int) -> None:
    assert not sells(cpu_units, memory_mib)


def test_the_table_has_each_size_once() -> None:
    sizes = [(o.cpu_units, memory) for o in OFFERS for memory in range(o.least, o.most + 1, o.step)]

    assert len(sizes) == len(set(sizes)) == 3 + 4 + 7 + 13 + 23 + 12 + 12


@given(CPU_UNITS, MIB)
def test_the_nearest_size_is_sold_and_holds_what_was_asked(cpu_units: int, memory_mib: int) -> None:
    size = nearest(cpu_units, memory_mib)

    assert sells(*size)
    assert size.cpu_units >= cpu_units
    assert size.memory_mib >= memory_mib


@given(CPU_UNITS, MIB, st.sampled_from([(o.cpu_units, m) for o in OFFERS for m in range(o.least, o.most + 1, o.step)]))
def test_no_smaller_size_holds_what_was_asked(cpu_units: int, memory_mib: int, other: tuple[int, int]) -> None:
    if other[0] >= cpu_units and other[1] >= memory_mib:
        assert nearest(cpu_units, memory_mib) <= other


def test_beyond_the_largest_size_the_nearest_is_the_largest() -> None:
    assert nearest(32768, 524288) == LARGEST
    assert str(LARGEST) == "cpu: 16, memory: 120Gi"
