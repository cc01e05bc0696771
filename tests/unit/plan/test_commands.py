from __future__ import annotations

import ast
import importlib.resources

import pytest
from dask.utils import parse_bytes

from dask_ecs.plan import worker_preload as module
from dask_ecs.plan.commands import (
    DEATH_TIMEOUT_SECONDS,
    scheduler_command,
    worker_command,
    worker_environment,
)
from dask_ecs.plan.worker_preload import LEAVE_SECONDS, WAIT_SECONDS, worker_preload

ADDRESS = "tcp://10.0.1.7:8786"


def worker(*, threads: int = 4, memory_mib: int = 16384, gpu: int = 0, extra_args: tuple[str, ...] = ()) -> list[str]:
    return worker_command(
        scheduler_address=ADDRESS,
        threads=threads,
        memory_mib=memory_mib,
        gpu=gpu,
        preload="the program",
        extra_args=extra_args,
    )


def option(command: list[str], name: str) -> str:
    return command[command.index(name) + 1]


def test_the_scheduler_listens_where_the_spec_says() -> None:
    assert scheduler_command(port=1786, dashboard_port=1787) == [
        *("dask", "scheduler", "--port", "1786", "--dashboard-address", ":1787")
    ]


def test_a_worker_is_told_its_scheduler_its_size_and_its_preload() -> None:
    assert worker() == [
        *("dask", "worker", ADDRESS, "--nthreads", "4", "--memory-limit", "16384MiB"),
        *("--death-timeout", str(DEATH_TIMEOUT_SECONDS), "--preload-nanny", "the program"),
    ]


def test_the_users_arguments_come_last_and_so_win() -> None:
    extra = ("--nthreads", "1")
    assert scheduler_command(port=1, dashboard_port=2, extra_args=extra)[-2:] == [*extra]
    assert worker(extra_args=extra)[-2:] == [*extra]
    assert worker(gpu=1, extra_args=extra)[-2:] == [*extra]


@pytest.mark.parametrize("memory_mib", [512, 1024, 3072, 30720, 122880, 249856])
def test_a_workers_memory_limit_is_its_memory_to_the_byte(memory_mib: int) -> None:
    assert parse_bytes(option(worker(memory_mib=memory_mib), "--memory-limit")) == memory_mib * 2**20


@pytest.mark.parametrize(
    ("gpu", "threads", "memory_mib", "threads_each", "memory_each"),
    [(1, 4, 16384, "4", "16384MiB"), (4, 16, 65536, "4", "16384MiB"), (8, 4, 10000, "1", "1250MiB")],
)
def test_the_processes_of_a_gpu_worker_share_its_threads_and_memory(
    gpu: int, threads: int, memory_mib: int, threads_each: str, memory_each: str
) -> None:
    command = worker(gpu=gpu, threads=threads, memory_mib=memory_mib)
    assert command[:2] == ["dask-cuda-worker", ADDRESS]
    assert option(command, "--nthreads") == threads_each
    assert option(command, "--memory-limit") == memory_each


def test_every_worker_gets_the_preload_in_the_one_way_that_its_command_knows() -> None:
    assert "--preload-nanny" not in worker(gpu=1)
    assert worker_environment(gpu=1, preload="the program") == {"DASK_DISTRIBUTED__NANNY__PRELOAD": "the program"}
    assert worker_environment(gpu=0, preload="the program") == {}


def test_dask_does_not_end_a_worker_before_its_preload_stops_waiting() -> None:
    assert DEATH_TIMEOUT_SECONDS > WAIT_SECONDS


def test_the_preload_fits_into_a_command_beside_much_else() -> None:
    assert len(worker_preload(wait_seconds=86_400, leave_seconds=86_400).encode()) < 2048


def test_the_preload_is_a_program_for_python_3_9_with_the_given_times() -> None:
    tree = ast.parse(worker_preload(wait_seconds=7.5, leave_seconds=9), feature_version=(3, 9))
    # The last assignment of a name is the one that counts.
    times = {ast.unparse(node.targets[0]): node.value for node in tree.body if isinstance(node, ast.Assign)}
    assert {name: ast.literal_eval(value) for name, value in times.items()} == {"WAIT_SECONDS": 7.5, "LEAVE_SECONDS": 9}


def test_the_preload_waits_and_leaves_by_default_as_the_file_says() -> None:
    source = importlib.resources.files("dask_ecs.plan").joinpath("nanny_preload.py").read_text()
    assert f"WAIT_SECONDS = {module.WAIT_SECONDS:.1f}\nLEAVE_SECONDS = {LEAVE_SECONDS:.1f}\n" in source


def test_dask_takes_the_preload_for_a_program_and_changes_nothing_in_it() -> None:
    preload = worker_preload()
    assert " " in preload
    assert not preload.endswith(".py")
    # From the environment it goes through os.path.expandvars.
    assert "$" not in preload


def test_the_preload_needs_nothing_but_the_standard_library() -> None:
    tree = ast.parse(worker_preload())
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported == {"asyncio", "logging", "os", "signal", "ssl", "sys", "urllib.parse", "typing"}
