"""The pipe and the signal by which a program ends with whoever started it."""

import os
import sys
import time
from pathlib import Path

import psutil

from dask_ecs.local import die_with_parent

# It says that it runs, then waits for a signal; TERM does not end it.
_STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); signal.pause()"


def _await_output(log: Path) -> None:
    deadline = time.monotonic() + 10
    while not log.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_stop_ends_even_a_program_that_ignores_sigterm(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = die_with_parent.start(
        [sys.executable, "-c", _STUBBORN], directory=tmp_path, log=log, environment=os.environ
    )
    _await_output(log)
    (program,) = psutil.Process(process.pid).children()
    die_with_parent.stop(process)
    assert not program.is_running()


def test_a_program_ends_when_the_process_between_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = die_with_parent.start(
        [sys.executable, "-c", _STUBBORN], directory=tmp_path, log=log, environment=os.environ
    )
    _await_output(log)
    below = psutil.Process(process.pid).children()
    process.kill()
    process.wait(timeout=10)
    _, alive = psutil.wait_procs(below, timeout=10)
    assert alive == []
    die_with_parent.stop(process)


def test_the_exit_code_of_a_program_that_ends_by_itself_is_passed_on(tmp_path: Path) -> None:
    process = die_with_parent.start(
        ["sh", "-c", "echo said; exit 7"], directory=tmp_path, log=tmp_path / "log", environment=os.environ
    )
    assert process.wait(timeout=10) == 7
    assert (tmp_path / "log").read_text() == "said\n"
    die_with_parent.stop(process)
