"""Which image each role runs."""

from typing import Any

import pytest

from .world import SETTINGS, World

CPU, GPU = SETTINGS.default_image, SETTINGS.default_gpu_image


@pytest.mark.parametrize(
    ("spec", "scheduler", "worker"),
    [
        ({}, CPU, CPU),
        ({"image": "all:1"}, "all:1", "all:1"),
        ({"image": "all:1", "worker": {"image": "worker:1"}}, "all:1", "worker:1"),
        ({"scheduler": {"image": "scheduler:1"}}, "scheduler:1", CPU),
        ({"worker": {"gpu": 1}}, GPU, GPU),
        ({"worker": {"gpu": 1}, "scheduler": {"image": "scheduler:1"}}, "scheduler:1", GPU),
        ({"worker": {"gpu": 1, "image": "worker:1"}}, CPU, "worker:1"),
        ({"worker": {"gpu": 1}, "image": "all:1"}, "all:1", "all:1"),
    ],
)
def test_a_role_runs_its_own_image_else_the_clusters_else_the_default(
    spec: dict[str, Any], scheduler: str, worker: str
) -> None:
    given = {"launchType": "EC2", "clusterArn": "arn:aws:ecs:eu-west-1:123456789012:cluster/given"}
    target = World({**given, **spec}).target
    assert (target.image_of("scheduler"), target.image_of("worker")) == (scheduler, worker)
