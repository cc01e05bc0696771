"""The operator and real Dask processes, and hostile ones in their place."""
