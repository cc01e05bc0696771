"""What AWS takes away with a warning, Spot capacity and draining instances, costs no result."""

import datetime
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from distributed import Future

from .aws_account import AwsAccount
from .connecting import connect
from .container_instances import add_instance, make_ecs_cluster
from .tenant import Tenant, manifest
from .test_ec2 import ec2_manifest
from .test_events import told_tenant  # noqa: F401
from .waiting import until


@contextmanager
def results_on_every_worker(tenant: Tenant, name: str, journal: Path) -> Iterator[Callable[[], None]]:
    """Compute ten results that both workers hold some of; yield what checks that they are there, computed once."""

    def noted(number: int) -> int:
        with journal.open("a") as lines:
            lines.write(f"{number}\n")
        return number * number

    with connect(tenant, name) as client:
        workers = list(client.scheduler_info(n_workers=-1)["workers"])
        futures: list[Future] = [
            client.submit(noted, number, workers=[workers[number % 2]], allow_other_workers=True, pure=False)
            for number in range(10)
        ]
        assert sum(client.gather(futures)) == 285
        assert {worker for holders in client.who_has(futures).values() for worker in holders} == set(workers)

        def check() -> None:
            assert sum(client.gather(futures)) == 285
            assert sorted(map(int, journal.read_text().split())) == list(range(10)), "nothing was computed twice"

        yield check


def test_an_interrupted_spot_worker_loses_nothing_and_has_a_successor_before_it_has_ended(
    told_tenant: Tenant,  # noqa: F811
    quiet_account: AwsAccount,
    tmp_path: Path,
) -> None:
    tenant, account = told_tenant, quiet_account
    name = tenant.apply(manifest(replicas=2, worker={"spot": True}))
    ready = tenant.wait_until_ready(name, workers=2)
    interrupted, other = account.live_tasks(ready["clusterArn"], role="worker")
    definition = account.ecs.describe_task_definition(taskDefinition=interrupted["taskDefinitionArn"])["taskDefinition"]
    assert definition["containerDefinitions"][0]["stopTimeout"] == 120
    with results_on_every_worker(tenant, name, tmp_path / "computed") as check:
        account.aws.interrupt_spot(interrupted["taskArn"])

        def ended() -> dict[str, Any]:
            tasks = {task["taskArn"]: task for task in account.tasks(ready["clusterArn"], role="worker")}
            return tasks if tasks[interrupted["taskArn"]]["lastStatus"] == "STOPPED" and len(tasks) == 3 else {}

        tasks = until(ended, shown=lambda: tenant.shown(name))
        assert tasks[interrupted["taskArn"]]["stopCode"] == "SpotInterruption"
        (successor,) = tasks.keys() - {interrupted["taskArn"], other["taskArn"]}
        stopped_at: datetime.datetime = tasks[interrupted["taskArn"]]["stoppedAt"]
        assert tasks[successor]["createdAt"] < stopped_at
        assert tasks[successor]["capacityProviderName"] == "FARGATE_SPOT"
        tenant.wait_until_ready(name, workers=2)
        check()


def test_a_worker_with_a_gpu_that_is_told_to_end_loses_nothing(
    tenant: Tenant, account: AwsAccount, tmp_path: Path
) -> None:
    ecs_cluster = make_ecs_cluster(account, tenant.namespace, "g4dn.12xlarge")
    worker = {"cpu": 1, "memory": "2Gi", "gpu": 1}
    name = tenant.apply(ec2_manifest(ecs_cluster, replicas=2, worker=worker))
    tenant.wait_until_ready(name, workers=2)
    with results_on_every_worker(tenant, name, tmp_path / "computed") as check:
        stopped, _ = account.live_tasks(ecs_cluster, role="worker")
        account.ecs.stop_task(cluster=ecs_cluster, task=stopped["taskArn"], reason="by hand")

        def replaced() -> bool:
            live = {task["taskArn"] for task in account.live_tasks(ecs_cluster, role="worker")}
            return stopped["taskArn"] not in live and len(live) == 2

        until(replaced, shown=lambda: tenant.shown(name))
        tenant.wait_until_ready(name, workers=2)
        check()


def test_workers_on_a_draining_instance_move_to_another_and_lose_nothing(
    tenant: Tenant, account: AwsAccount, tmp_path: Path
) -> None:
    ecs_cluster = make_ecs_cluster(account, tenant.namespace, "m6i.large")
    name = tenant.apply(ec2_manifest(ecs_cluster, replicas=1))
    ready = tenant.wait_until_ready(name, workers=1)
    add_instance(account, tenant.namespace, "m6i.large")
    first = account.live_tasks(ecs_cluster)[0]["containerInstanceArn"]
    account.ecs.update_container_instances_state(cluster=ecs_cluster, containerInstances=[first], status="DRAINING")
    # The scheduler stays where it is; its one worker has to wait for another to take what it holds.
    (old,) = account.live_tasks(ecs_cluster, role="worker")
    journal = tmp_path / "computed"

    def noted() -> int:
        with journal.open("a") as lines:
            lines.write("once\n")
        return 1

    with connect(tenant, name) as client:
        held = client.submit(noted, pure=False)
        assert held.result(timeout=60) == 1

        def moved() -> bool:
            (worker, *others) = account.live_tasks(ecs_cluster, role="worker")
            return not others and worker["taskArn"] != old["taskArn"] and worker["containerInstanceArn"] != first

        until(moved, shown=lambda: tenant.shown(name))
        assert held.result(timeout=60) == 1
        draining = tenant.wait_for_condition(name, "SchedulerReady", reason="InstanceDraining")
        assert ready["schedulerTaskArn"].rsplit("/", 1)[1] in draining["message"]
    assert journal.read_text() == "once\n"
    after = tenant.wait_until_ready(name, workers=1)
    assert after["schedulerTaskArn"] == ready["schedulerTaskArn"]
    assert any("its instance is being drained" in event["message"] for event in tenant.events(name))
