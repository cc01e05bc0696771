"""Events of what has become of a cluster, each told once."""

from dask_ecs.api.daskcluster import ObjectMeta
from dask_ecs.api.status import DaskClusterStatus
from dask_ecs.controllers.memory import Memory
from dask_ecs.controllers.recorder import Recorder
from dask_ecs.plan import backoff, diagnosis, rest
from dask_ecs.plan.observed import Observed
from dask_ecs.plan.target import Target


def of_ended_tasks(recorder: Recorder, metadata: ObjectMeta, observed: Observed, memory: Memory) -> None:
    """Tell of tasks that failed, or that somebody else stopped, since the operator looks at them."""
    if metadata.deletion_timestamp:
        return
    stopped = {task.arn: task for task in observed.tasks or () if task.is_stopped}
    if memory.ended is None:
        memory.ended = set(stopped) if observed.tasks is not None else None
        return
    for arn in stopped.keys() - memory.ended:
        memory.ended.add(arn)
        task = stopped[arn]
        if task.was_stopped_by_others:
            recorder.record(metadata, "Warning", reason="DriftMended", message=diagnosis.of_stop_by_others(task))
        elif task.stop_code != "UserInitiated" and (task.exit_code != 0 or backoff.failed_to_last(task)):
            reason, message = diagnosis.of_task(task)
            recorder.record(metadata, "Warning", reason=reason, message=message)
    memory.ended &= stopped.keys()


def of_ready(recorder: Recorder, metadata: ObjectMeta, said: DaskClusterStatus, memory: Memory) -> None:
    """Tell that a cluster runs that did not when it was looked at last."""
    ready = said.phase == "Running"
    if ready and memory.ready is False:
        message = f"Running with {said.workers.running} workers at {said.scheduler_address}"
        recorder.record(metadata, "Normal", reason="Ready", message=message)
    memory.ready = ready


def of_rest(recorder: Recorder, target: Target, said: DaskClusterStatus) -> None:
    """Tell that a cluster rests now, and why."""
    before, now = target.cluster.status.rest, said.rest
    if now and rest.is_resting(now) and (before is None or before.ended_at or before.reason != now.reason):
        recorder.record(target.cluster.metadata, "Normal", reason=now.reason, message=rest.message(target, now.reason))
