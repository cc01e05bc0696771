"""Edits of the spec come to the tasks that run: to workers in steps and without loss, to a scheduler only if asked."""

from pathlib import Path

from .aws_account import AwsAccount
from .computation import compute_on
from .connecting import connect
from .tenant import Tenant, manifest


def _arns(account: AwsAccount, ecs_cluster: str) -> set[str]:
    return {task["taskArn"] for task in account.live_tasks(ecs_cluster)}


def test_an_edit_comes_to_all_tasks(tenant: Tenant, account: AwsAccount, tmp_path: Path) -> None:
    journal = tmp_path / "computed"

    def noted(number: int) -> int:
        with journal.open("a") as lines:
            lines.write(f"{number}\n")
        return number * number

    pushed, later = (f"sha256:{digit * 64}" for digit in "ab")
    row = next(row for row in account.aws.images() if row["image"] == "ghcr.io/dask/dask:*")
    account.aws.images(add=[{**row, "image": "moving/dask:latest", "digest": pushed}])
    name = tenant.apply(manifest(replicas=2, image="moving/dask:latest"))
    before = tenant.wait_until_ready(name, workers=2)
    cluster, old = before["clusterArn"], _arns(account, before["clusterArn"])

    # Of the workers' command alone: they keep their image, though the tag means another one by now.
    account.aws.images(add=[{**row, "image": "moving/dask:latest", "digest": later}])
    with connect(tenant, name) as client:
        futures = client.map(noted, range(10), pure=False)
        assert sum(client.gather(futures)) == 285
        tenant.patch(name, {"worker": {"extraArgs": ["--resources", "COLOUR=1"]}})
        edited = tenant.wait_until_ready(name, workers=2)
        assert edited["workers"]["updated"] == 2
        assert sum(client.gather(futures)) == 285
        workers = client.scheduler_info(n_workers=-1)["workers"].values()
        assert [worker["resources"] for worker in workers] == [{"COLOUR": 1.0}] * 2
    assert sorted(map(int, journal.read_text().split())) == list(range(10))
    assert edited["taskDefinitions"]["scheduler"] == before["taskDefinitions"]["scheduler"]
    assert edited["imageDigests"]["worker"] == {"image": "moving/dask:latest", "digest": pushed}
    running = [task["containers"][0] for task in account.live_tasks(cluster)]
    assert [container["imageDigest"] for container in running] == [pushed] * 3
    assert [container["image"] for container in running[1:]] == [f"moving/dask@{pushed}"] * 2
    assert edited["schedulerTaskArn"] == before["schedulerTaskArn"]
    assert old & _arns(account, cluster) == {before["schedulerTaskArn"]}
    assert any("the spec was edited" in event["message"] for event in tenant.events(name))
    assert tenant.condition(name, "UpToDate")["status"] == "True"

    # Of both roles' image: it waits until the cluster may be restarted.
    rolled = _arns(account, cluster)
    tenant.patch(name, {"image": "daskdev/dask:latest"})
    asked = tenant.wait_for_condition(name, "UpToDate", "False", reason="SchedulerOutdated")
    assert "set spec.updateStrategy.type to Recreate" in asked["message"]
    tenant.wait_until_ready(name, workers=2)
    assert _arns(account, cluster) == rolled
    tenant.patch(name, {"updateStrategy": {"type": "Recreate"}})
    restarted = tenant.wait_until_ready(name, workers=2)
    tenant.wait_for_condition(name, "UpToDate")
    assert _arns(account, cluster).isdisjoint(rolled)
    for role in ("scheduler", "worker"):
        described = account.ecs.describe_task_definition(taskDefinition=restarted["taskDefinitions"][role])
        assert described["taskDefinition"]["containerDefinitions"][0]["image"] == "daskdev/dask:latest"
    compute_on(tenant, name)

    uid = (tenant.get(name) or {})["metadata"]["uid"]
    tenant.kubectl("delete", "dkc", name)
    assert account.leftovers(uid, namespace=tenant.namespace) == [], "not even the older definitions"
