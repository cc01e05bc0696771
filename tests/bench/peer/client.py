"""Run by the peer's own Python: make a FargateCluster, close it, and print when what was done (Unix time), as JSON."""

import json
import sys
import time

from dask_cloudprovider.aws import FargateCluster  # type: ignore[import-not-found]  # it is in an environment of its own

workers, subnet = int(sys.argv[1]), sys.argv[2]
began = time.time()
cluster = FargateCluster(
    n_workers=workers,
    image="ghcr.io/dask/dask:latest",
    scheduler_cpu=256,
    scheduler_mem=1024,
    worker_cpu=256,
    worker_mem=1024,
    subnets=[subnet],
    fargate_use_private_ip=True,
)
ready = time.time()
cluster.close()
del cluster  # what it made, it deletes when it is collected
print(json.dumps({"began": began, "ready": ready, "closed": time.time()}), flush=True)
