"""Where on a task's own disk Dask puts what does not fit into memory, and how much of it."""

from __future__ import annotations

# ECS guide, "Fargate task ephemeral storage": what a task has that asks for none.
FARGATE_GIB = 20

# By the same page the pulled and the unpacked image lie on the same disk. Dask's takes 2 GB of it; a larger one, logs
# and what tasks write themselves have this much.
FOR_ALL_ELSE_GIB = 10


def environment(*, gib: int | None) -> dict[str, str]:
    """Return the variables that fit Dask's folders to a disk of so many GiB; none for a disk of no known size.

    Dask, "Configuration": temporary-directory and distributed.worker.memory.max-spill. A worker whose spilled data has
    reached that size keeps the rest in memory, and so does not fill the disk on which its task runs.
    """
    if gib is None:
        return {}
    return {
        "DASK_TEMPORARY_DIRECTORY": "/tmp",
        "DASK_DISTRIBUTED__WORKER__MEMORY__MAX_SPILL": f"{gib - FOR_ALL_ELSE_GIB}GiB",
    }
