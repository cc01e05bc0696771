"""What AWS's words mean, and what to do about it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from dask_ecs.plan import access_denied, causes
from dask_ecs.plan.causes import processes
from dask_ecs.plan.causes.cause import first

if TYPE_CHECKING:
    from dask_ecs.plan.observed import Task

# ECS says only this when a container has ended: its exit code and its log tell more.
_ENDED = "Essential container in task exited"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """A cause in CamelCase, as a condition's reason, and what to do, in a sentence."""

    reason: str
    fix: str


def diagnose(text: str, *, action: str = "") -> Diagnosis | None:
    """Return what AWS's message means, None if it is not known: then it is best shown as AWS said it.

    `action` is the IAM action of the call, for a refusal that does not name it.
    """
    cause = causes.of_words(text)
    if cause is None:
        return None
    if cause.reason == "AccessDenied" and (denial := access_denied.read(text, action=action)):
        return Diagnosis(reason=cause.reason, fix=denial.fix)
    return Diagnosis(reason=cause.reason, fix=cause.fix)


def of_task(task: Task) -> tuple[str, str]:
    """Return a condition's reason and message for a task that stopped: what, why, its last words, what to do."""
    parts = [part.rstrip(".") for part in (task.stopped_reason, task.container_reason) if part]
    said = ". ".join(dict.fromkeys(parts))  # on Fargate ECS often says the same of the task and of its container
    known = diagnose(f"{task.stop_code or ''} {said.replace(_ENDED, '')}") or _of_process(task)
    ended = f"exited with {task.exit_code}" if task.exit_code is not None else "stopped"
    if task.started_at is None:
        ended = "could not start"
    lines = [f"{task.role.capitalize()} task {task.id} {ended}: {said or 'AWS gives no reason'}."]
    if task.log_tail:
        lines.append("Its log ends: " + " | ".join(task.log_tail))
    if known:
        lines.append(known.fix)
    elif task.exit_code is not None:
        lines.append("Look at its log, and at what the image and extraArgs start.")
    return known.reason if known else f"{task.role.capitalize()}Failed", " ".join(lines)


def of_stop_by_others(task: Task) -> str:
    """Return what is said of a task that somebody else has stopped."""
    said = (task.stopped_reason or "no reason given").rstrip(".")
    return f"{task.role.capitalize()} task {task.id} was stopped by somebody else: {said}. What is wanted is run again."


def _of_process(task: Task) -> Diagnosis | None:
    """Return what a container's last words or its exit code mean."""
    if task.exit_code in (None, 0):
        return None
    if cause := first(processes.LOGS, "\n".join(task.log_tail)):
        return Diagnosis(reason=cause.reason, fix=cause.fix)
    if task.exit_code in processes.EXIT_CODES:
        reason, fix = processes.EXIT_CODES[task.exit_code]
        return Diagnosis(reason=reason, fix=fix)
    return None
