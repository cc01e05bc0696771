"""A Kubernetes operator that runs Dask clusters on AWS ECS."""
