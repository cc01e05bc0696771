"""A client of a Dask cluster: ``python -m dask_ecs.local.demo.computation --binding FOLDER --workers 4``.

The folder holds the binding Secret of the cluster, a file for each key, as Kubernetes mounts it into a pod; until it
does that is waited for.

It computes what is known beforehand, and ends with 1 when the cluster comes to something else.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd  # type: ignore[import-untyped] # its stubs are a package of their own
from distributed import Client
from distributed.security import Security

SIDE = 2000
"""Rows and columns of the matrix: multiplying it takes two cores about a second, and stays exact in float64."""

_CHUNK = 1000

ROWS_PER_PARTITION = 100_000
PARTITIONS = 4
KEYS = 4

_MOUNTED_WITHIN = 120  # seconds
_JOIN_WITHIN = 60  # seconds


def product_sum(side: int = SIDE) -> Any:
    """Multiply a matrix whose rows are 0, 1, 2, ... by one of ones; return the sum of the product, not computed."""
    rows = da.broadcast_to(da.arange(side, chunks=_CHUNK, dtype="float64"), (side, side), chunks=_CHUNK)
    return (rows @ da.ones((side, side), chunks=_CHUNK)).sum()


def product_sum_known(side: int = SIDE) -> float:
    """Return the same by Gauss' formula: every element of the product is 0 + 1 + ... + (side - 1)."""
    return float(side * side * (side * (side - 1) // 2))


def medians() -> Any:
    """Return the medians of the groups of a table, not computed.

    The rows are numbered, and grouped by the numbers' remainders, so each group is spread over all partitions: the
    workers have to send rows to each other.
    """
    return dd.from_map(_partition, range(PARTITIONS)).groupby("key").number.median()


def medians_known() -> list[float]:
    """Return the same: the middles of arithmetic series."""
    in_group = PARTITIONS * ROWS_PER_PARTITION // KEYS
    return [key + KEYS * (in_group - 1) / 2 for key in range(KEYS)]


def _partition(index: int) -> pd.DataFrame:
    number = np.arange(index * ROWS_PER_PARTITION, (index + 1) * ROWS_PER_PARTITION)
    return pd.DataFrame({"key": number % KEYS, "number": number})


def is_right(what: str, compute: Callable[[], Any], known: Any) -> bool:
    """Compute, say what came out and how long that took, and return whether it is what is known."""
    start = time.monotonic()
    found = compute()
    took = time.monotonic() - start
    verdict = "as known" if found == known else f"WRONG: {known} is right"
    click.echo(f"{what}: {found} in {took:.1f} s, {verdict}")
    return bool(found == known)


def security(binding: Path) -> Security | None:
    """Return what a client shows; None where the cluster's connections are not encrypted."""
    if not (binding / "tls.key").exists():
        return None
    return Security(
        tls_ca_file=str(binding / "ca.crt"),
        tls_client_cert=str(binding / "tls.crt"),
        tls_client_key=str(binding / "tls.key"),
        require_encryption=True,
    )


def await_binding(binding: Path) -> None:
    """Wait until the folder holds the Secret: a pod starts when it is mounted, and this when all is imported.

    Raises:
        click.ClickException: it does not come.

    """
    until = time.monotonic() + _MOUNTED_WITHIN
    while not (binding / "uri").exists():
        if time.monotonic() > until:
            raise click.ClickException(f"{binding} does not hold the binding Secret after {_MOUNTED_WITHIN} s")
        time.sleep(0.05)


def visible_devices() -> str | None:
    """Return the GPUs that this process may use; None without any."""
    return os.environ.get("CUDA_VISIBLE_DEVICES")


@click.command()
@click.option("--binding", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--workers", type=int, required=True, help="So many must have joined.")
@click.option("--gpu", is_flag=True, help="Each worker must have been given a GPU.")
def main(*, binding: Path, workers: int, gpu: bool) -> None:
    """Compute on the Dask cluster whose binding Secret is in a folder, once it is, and check the results."""
    await_binding(binding)
    with Client((binding / "uri").read_text(), security=security(binding), timeout=_JOIN_WITHIN) as client:
        client.wait_for_workers(workers, timeout=_JOIN_WITHIN)
        click.echo(repr(client))
        if len(client.scheduler_info(n_workers=-1)["workers"]) != workers:
            raise click.ClickException(f"{workers} workers are wanted")
        if gpu:
            visible = client.run(visible_devices)
            for worker, devices in visible.items():
                click.echo(f"worker {worker} has CUDA_VISIBLE_DEVICES={devices}")
            if not all(visible.values()):
                raise click.ClickException("a worker has no GPU")
        right = [
            is_right(
                f"array, sum of a {SIDE} x {SIDE} matrix product",
                lambda: float(product_sum().compute()),
                product_sum_known(),
            ),
            is_right(
                f"dataframe, medians of {PARTITIONS * ROWS_PER_PARTITION:,} rows in {KEYS} groups",
                lambda: medians().compute().sort_index().tolist(),
                medians_known(),
            ),
        ]
    if not all(right):
        raise click.ClickException("the cluster has computed something wrong")


if __name__ == "__main__":
    main()
