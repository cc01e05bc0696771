"""A running Dask cluster as its operator sees it."""
