"""What a person runs on a Dask cluster, and whether it came out right."""

import dask.array as da
import dask.dataframe as dd

from .connecting import connect
from .tenant import Tenant


def compute_on(tenant: Tenant, name: str) -> None:
    """Compute on an array and a dataframe on a DaskCluster, and check the results."""
    with connect(tenant, name) as client:
        squares = (da.arange(1000, chunks=100) ** 2).sum()
        assert client.compute(squares).result(timeout=60) == sum(n * n for n in range(1000))
        frame = dd.from_dict({"key": list("abcd") * 25, "value": list(range(100))}, npartitions=4)
        sums = client.compute(frame.groupby("key").value.sum()).result(timeout=60)
        assert sums.to_dict() == {key: sum(range(start, 100, 4)) for start, key in enumerate("abcd")}
