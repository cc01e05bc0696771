"""The program that a worker's command carries for its nanny: `nanny_preload.py`, as text."""

from __future__ import annotations

import ast
import importlib.resources
import re

# How long a worker waits for its scheduler: an image of several GB may still be on its way.
WAIT_SECONDS = 900

# What it ends with then (sysexits.h: EX_UNAVAILABLE): no other end of a worker is called so.
GAVE_UP = 69

# ECS, "Task definition parameters": stopTimeout is 30 s unless set, and 120 s at most on Fargate. After the
# retirement `dask worker` takes up to 10 s to close its nannies.
LEAVE_SECONDS = 100
CLOSE_SECONDS = 20


def leave_seconds(stop_timeout: int) -> int:
    """Return how much of a container's stopTimeout (seconds) its data may take to move; half of a short one."""
    return max(stop_timeout - CLOSE_SECONDS, stop_timeout // 2)


def worker_preload(*, wait_seconds: float = WAIT_SECONDS, leave_seconds: float = LEAVE_SECONDS) -> str:
    """Give the text for `dask worker --preload-nanny` (Dask, "Customize Initialization"), under 2 KB.

    `wait_seconds`: how long to wait for the scheduler's port before the worker exits with GAVE_UP.
    `leave_seconds`: how long the data may take to move after SIGTERM; less than the container's stopTimeout by 10 s
    or more.
    """
    # Dask takes it for a program's text, not for a module's name, because it has spaces and does not end with ".py".
    return f"{_PROGRAM}\nWAIT_SECONDS = {wait_seconds}\nLEAVE_SECONDS = {leave_seconds}\n"


def _without_comments(source: str) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(node):
            del node.body[0]
    return re.sub(r"^( {4})+", lambda indent: " " * (len(indent[0]) // 4), ast.unparse(tree), flags=re.MULTILINE)


# ECS allows 8192 characters for all overrides of a task, and the scheduler's and user's arguments want theirs.
_PROGRAM = _without_comments(importlib.resources.files(__package__).joinpath("nanny_preload.py").read_text())
