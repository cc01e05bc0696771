"""A tag stays what the first task resolved it to, at the cost of a definition only where it is needed."""

import dataclasses

import pytest

from dask_ecs.api.status import ImageDigest, ImageDigests
from dask_ecs.plan import actions, backoff
from dask_ecs.plan.pins import reference

from .world import ECS_CLUSTER, SETTINGS, World, asked, condition

FIRST, SECOND = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
IMAGE = "ghcr.io/dask/dask:latest"
PINNED = f"ghcr.io/dask/dask@{FIRST}"


def tagged(replicas: int = 2, **spec: object) -> World:
    """A cluster that runs, and under its tag another image since."""
    world = World({"image": IMAGE, "worker": {"replicas": replicas}, **spec})
    world.registry[IMAGE] = FIRST
    world.settle()
    world.step()
    world.registry[IMAGE] = SECOND
    return world


def images(world: World, role: str = "worker") -> list[str | None]:
    return [task.image for task in world.live[role]]


def digests(world: World) -> ImageDigests:
    return world.target.cluster.status.image_digests


def test_the_first_tasks_run_by_the_tag_and_tell_what_it_means() -> None:
    world = tagged()
    both = ImageDigest(image=IMAGE, digest=FIRST)
    assert digests(world) == ImageDigests(scheduler=both, worker=both)
    assert (images(world, "scheduler"), images(world)) == ([IMAGE], [IMAGE, IMAGE])
    assert len(asked(world, actions.RegisterTaskDefinition)) == 2


def test_who_takes_a_worker_s_place_gets_its_image_and_nobody_is_replaced_for_it() -> None:
    world = tagged()
    world.stop(world.live["worker"][0].arn)
    world.settle()
    assert images(world) == [IMAGE, PINNED]
    assert condition(world, "UpToDate")[:2] == ("True", "AllUpdated")
    assert digests(world).worker == ImageDigest(image=IMAGE, digest=FIRST)
    assert len(asked(world, actions.RegisterTaskDefinition)) == 3


def test_more_workers_get_the_same_image_of_one_more_definition() -> None:
    world = tagged()
    for replicas in (4, 6):
        world.scale(replicas)
        world.settle()
    assert images(world) == [IMAGE] * 2 + [PINNED] * 4
    assert len(asked(world, actions.RegisterTaskDefinition)) == 3


def test_the_definition_with_the_tag_goes_with_the_last_task_that_runs_it() -> None:
    world = tagged(1)
    family = asked(world, actions.RegisterTaskDefinition)[1].name
    world.scale(2)
    world.settle()
    assert f"task-definition/{family}" in world.body["status"]["made"], "it is in use"
    world.stop(world.live["worker"][0].arn)
    world.settle()
    world.settle()
    assert [action.name for action in asked(world, actions.DeregisterTaskDefinition)] == [family]
    assert images(world) == [PINNED, PINNED]


def test_workers_from_zero_on_get_the_scheduler_s_image() -> None:
    world = tagged(0)
    world.scale(1)
    world.settle()
    assert images(world) == [PINNED]


def test_another_scheduler_gets_the_image_of_the_one_before() -> None:
    world = tagged()
    world.pass_time(backoff.SETTLED.total_seconds())
    world.stop(world.live["scheduler"][0].arn)
    world.settle()
    assert images(world, "scheduler") == [PINNED]
    assert images(world) == [PINNED, PINNED]


def test_an_image_that_never_worked_may_be_mended_under_its_tag() -> None:
    world = tagged()
    for task in [*world.live["worker"], *world.live["scheduler"]]:
        world.stop(task.arn)
    world.settle()
    world.pass_time(60)
    world.settle()
    assert not set(images(world, "scheduler")) & {PINNED}
    assert {task.image_digest for task in (*world.live["scheduler"], *world.live["worker"])} == {SECOND}


def test_another_edit_keeps_the_image() -> None:
    world = tagged()
    world.edit(worker={"replicas": 2, "environment": [{"name": "COLOUR", "value": "green"}]})
    world.settle()
    assert images(world) == [PINNED, PINNED]


def test_an_edit_of_the_image_is_resolved_anew() -> None:
    world = tagged(updateStrategy={"type": "Recreate"})
    other = "ghcr.io/dask/dask:other"
    world.registry[other] = SECOND
    world.edit(image=other)
    world.settle()
    world.step()
    assert images(world) == [other, other]
    assert digests(world).worker == ImageDigest(image=other, digest=SECOND)


def test_a_restarted_cluster_runs_its_first_workers_by_the_tag_however_late_they_start() -> None:
    world = tagged(updateStrategy={"type": "Recreate"})
    other = "ghcr.io/dask/dask:other"
    world.registry[other] = SECOND
    world.edit(image=other)
    while images(world, "scheduler") != [other]:
        world.step()
        world.pass_time(1)
    while not world.live["scheduler"][0].is_running:  # nobody plans meanwhile, so no worker is started
        world.pass_time(1)
    plan = world.plan()
    assert plan.status.image_digests == ImageDigests(scheduler=ImageDigest(image=other, digest=SECOND))
    assert not any(isinstance(action, actions.RegisterTaskDefinition) for action in plan.actions)


@pytest.mark.parametrize("waits_for_the_end", [True, False])
def test_after_a_rest_the_tag_is_resolved_anew(waits_for_the_end: bool) -> None:
    world = tagged()
    world.scale(3)
    world.settle()
    world.ends_when_told = waits_for_the_end
    world.edit(suspend=True)
    if waits_for_the_end:
        world.settle()
    else:
        world.step()
    assert digests(world) == ImageDigests()
    world.edit(suspend=False)
    world.step()
    for task in [] if waits_for_the_end else [*world.live["scheduler"], *world.live["worker"]]:
        world.stop(task.arn, exit_code=0)
    world.settle()
    world.step()
    assert images(world) == [IMAGE] * 3
    assert digests(world).worker == ImageDigest(image=IMAGE, digest=SECOND)


def test_another_default_image_of_the_operator_is_for_other_clusters() -> None:
    instances = {"launchType": "EC2", "clusterArn": ECS_CLUSTER.arn}
    world = World({"worker": {"replicas": 2}, **instances})
    world.registry["dask:1"] = FIRST
    world.settle()
    world.step()
    world.settings = dataclasses.replace(SETTINGS, default_image="dask:2")
    world.stop(world.live["worker"][0].arn)
    world.settle()
    assert images(world) == ["dask:1", f"dask@{FIRST}"]
    world.edit(worker={"replicas": 2, "gpu": 1}, updateStrategy={"type": "Recreate"})
    world.settle()
    assert images(world) == [SETTINGS.default_gpu_image] * 2


def test_an_image_that_is_named_by_its_digest_or_not_told_of_stays_as_it_is_named() -> None:
    for image in (PINNED, "ghcr.io/dask/dask:untold"):
        world = World({"image": image, "worker": {"replicas": 1}})
        world.settle()
        world.scale(2)
        world.settle()
        assert images(world) == [image, image]
        assert digests(world) == ImageDigests()


def test_each_role_s_own_image_is_resolved_by_itself() -> None:
    world = World({"scheduler": {"image": IMAGE}, "worker": {"replicas": 1, "image": "jobs:1"}})
    world.registry |= {IMAGE: FIRST, "jobs:1": SECOND}
    world.settle()
    world.step()
    assert digests(world).worker == ImageDigest(image="jobs:1", digest=SECOND)
    world.scale(2)
    world.settle()
    assert images(world) == ["jobs:1", f"jobs@{SECOND}"]


def test_a_worker_that_met_another_image_before_the_first_was_known_is_told_of() -> None:
    world = World({"image": IMAGE, "worker": {"replicas": 1}})
    world.registry[IMAGE] = FIRST
    while not world.live["worker"]:
        world.step()
        world.pass_time(1)
    world.registry[IMAGE] = SECOND
    world.settle()
    world.step()
    status, reason, message = condition(world, "VersionsMatch")
    assert (status, reason) == ("False", "TagMoved")
    assert f"1 of the tasks run {SECOND} and the first ran {FIRST} of {IMAGE}" in message
    world.stop(world.live["worker"][0].arn)
    world.settle()
    assert images(world) == [PINNED]
    assert condition(world, "VersionsMatch")[0] == "Unknown"


def test_a_worker_that_fails_again_by_its_digest_waits_as_before() -> None:
    world = tagged(1)
    for _ in range(2):
        world.stop(world.live["worker"][0].arn)
        while not world.live["worker"] and not condition(world, "WorkersReady")[2].count("tried again"):
            world.step()
        while world.live["worker"] and not world.live["worker"][0].is_running:
            world.pass_time(1)
            world.step()
    assert not world.live["worker"]
    assert "It is tried again at" in condition(world, "WorkersReady")[2]


@pytest.mark.parametrize(
    ("image", "pinned"),
    [
        ("dask", f"dask@{FIRST}"),
        ("localhost:5000/dask", f"localhost:5000/dask@{FIRST}"),
        ("localhost:5000/dask:1", f"localhost:5000/dask@{FIRST}"),
    ],
)
def test_the_tag_gives_way_to_the_digest(image: str, pinned: str) -> None:
    assert reference(ImageDigest(image=image, digest=FIRST)) == pinned
