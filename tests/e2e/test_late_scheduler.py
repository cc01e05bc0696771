"""Workers that are there long before their scheduler."""

from .computation import compute_on
from .tenant import RunningCluster


def test_workers_wait_for_a_scheduler_that_comes_ninety_seconds_later(late: RunningCluster) -> None:
    status = late.tenant.wait_until_ready("demo", workers=2, within=180)
    workers = late.account.tasks(status["clusterArn"], role="worker")
    assert len(workers) == 2, "none has died and been replaced"
    scheduler = status["schedulerTaskArn"].rsplit("/", 1)[-1]
    stream = f"scheduler/scheduler/{scheduler}"
    said = late.account.logs.get_log_events(logGroupName="dask-ecs", logStreamName=stream)["events"]
    listened_at = min(event["timestamp"] for event in said) / 1000
    for worker in workers:
        assert listened_at - worker["startedAt"].timestamp() > 60
    compute_on(late.tenant, "demo")
