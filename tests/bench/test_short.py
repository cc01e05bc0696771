"""The benchmark in short: that it still measures, and that nobody asks for more than needed. Counts, never times."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio

from bench.bench import Bench
from bench.figure import Figure
from bench.rows import burst, many_workers, ready, requests_per_life, second_cluster, thousand
from bench.scene import Settings, opened

Measure = Callable[[Bench], Awaitable[list[Figure]]]


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    folder = tmp_path_factory.mktemp("bench")
    async with opened(folder, Settings()) as scene:
        yield Bench(folder=folder, short=True, shared=scene)


def value(figures: list[Figure], *words: str) -> float:
    """Return what was measured for the one figure whose name has all these words."""
    (found,) = [figure for figure in figures if all(word in figure.name for word in words)]
    assert found.measured is not None, found
    return found.measured


async def test_a_cluster_is_made_and_deleted_with_few_calls_and_nothing_is_left(bench: Bench) -> None:
    figures = await ready.measure(bench)
    assert value(figures, "calls to create") <= 45
    assert value(figures, "throttled") == 0
    assert value(figures, "calls to delete") <= 25
    assert value(figures, "things left") == 0


async def test_another_cluster_of_a_namespace_takes_fewer(bench: Bench) -> None:
    figures = await second_cluster.measure(bench)
    assert value(figures, "calls to create") <= 12
    assert value(figures, "calls to delete") <= 10


@pytest.mark.parametrize("measure", [burst.measure, many_workers.measure], ids=["many clusters", "many workers"])
async def test_many_tasks_are_asked_for_in_few_calls_and_none_is_throttled(bench: Bench, measure: Measure) -> None:
    figures = await measure(bench)
    assert value(figures, "throttled") == 0
    assert value(figures, "RunTask calls") <= 20


async def test_a_cluster_life_takes_few_requests_to_kubernetes(bench: Bench) -> None:
    assert value(await requests_per_life.measure(bench), "Kubernetes requests") <= 25


async def test_an_operator_that_starts_again_writes_nothing_where_nothing_is_to_be_done(bench: Bench) -> None:
    figures = await thousand.measure(bench)
    assert value(figures, "restart", "writes") == 0
    assert value(figures, "restart", "calls") <= 40
