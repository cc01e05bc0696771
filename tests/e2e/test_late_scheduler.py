"""Workers that are there long before their scheduler: the one slow test."""

from .aws_account import AwsAccount
from .computation import compute_through
from .tenant import Tenant, manifest
from .waiting import until

# What a scheduler's image of several GB may take longer than the workers'. Seconds.
_LATE = 90


def test_workers_wait_for_a_scheduler_that_comes_ninety_seconds_later(tenant: Tenant, account: AwsAccount) -> None:
    image = {
        **next(row for row in account.aws.images() if row["image"] == "ghcr.io/dask/dask:*"),
        "image": "late/dask",
        "entrypoint": ["sh", "-c", f'test "$2" != scheduler || sleep {_LATE}; exec "$@"', "entrypoint"],
    }
    account.aws.images(add=[image])
    name = tenant.apply(manifest(replicas=2, image="late/dask"))

    def running() -> list[str]:
        cluster = tenant.status(name).get("clusterArn")
        tasks = account.tasks(cluster, role="worker") if cluster else []
        return [task["taskArn"] for task in tasks if task["lastStatus"] == "RUNNING"]

    until(lambda: len(running()) == 2, shown=lambda: tenant.shown(name))
    workers = running()
    assert tenant.condition(name, "SchedulerReady")["reason"] == "SchedulerStarting"
    status = tenant.wait_until_ready(name, workers=2, within=2 * _LATE)
    assert [task["taskArn"] for task in account.tasks(status["clusterArn"], role="worker")] == workers
    compute_through(status["schedulerAddress"])
