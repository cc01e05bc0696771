"""``dask-ecs demo``: a DaskCluster's whole life on real parts, shown and checked."""
