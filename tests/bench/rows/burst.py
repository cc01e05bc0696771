"""A thousand clusters in twenty namespaces, applied at once."""

import time

from bench.aws_calls import by_operation, successful_run_tasks, throttled
from bench.bench import Bench
from bench.clusters import dask_cluster
from bench.figure import Figure
from bench.objects import DeadlineError
from bench.scene import Settings

# AWS: "Request throttling for the Amazon ECS API": 20 Fargate RunTask calls at once and 20 a second after that, and
# each cluster's scheduler is a call of its own.
_AT_ONCE, _A_SECOND = 20, 20


async def measure(bench: Bench) -> list[Figure]:
    """Measure until the last scheduler's RunTask. The clusters have no workers: those would take the same quota."""
    number, namespaces = bench.size(1000, short=20), bench.size(20, short=4)
    names = [f"burst-{index}" for index in range(namespaces)]
    async with bench.scene(Settings()) as scene:
        await scene.objects.make_namespaces(names)
        began = time.time()
        applied = await scene.objects.apply(
            dask_cluster(f"demo-{index}", namespace=names[index % namespaces], workers=0) for index in range(number)
        )
        failure = ""
        try:
            await scene.objects.until_ready(applied, within=bench.size(300, short=60))
        except DeadlineError as error:
            failure = str(error)[:200]
        first = await scene.calls.first_run_task(applied, since=began)
        calls = await scene.calls.since(began)
    floor = max(0.0, (number - _AT_ONCE) / _A_SECOND)
    last = max(first.values(), default=began)
    answered = max(applied.values()) - began
    complete = len(first) == number
    return [
        Figure(
            name=f"{number} clusters in {namespaces} namespaces at once: last scheduler's RunTask",
            measured=last - began if complete else None,
            unit="s",
            n=number,
            compared=f"floor {floor:.0f} s (quota)",
            at_most=60,
            note=failure
            or f"from the first apply; {last - began - answered:.1f} s from the last, answered after {answered:.1f} s",
        ),
        Figure(
            name=f"{number} clusters at once: throttled",
            measured=throttled(calls),
            unit="calls",
            n=len(calls),
            at_most=0,
            note=by_operation(calls),
        ),
        Figure(
            name=f"{number} clusters at once: schedulers' RunTask calls",
            measured=len(successful_run_tasks(calls)),
            unit="calls",
            compared=f"floor {number}",
            at_most=number,
        ),
    ]
