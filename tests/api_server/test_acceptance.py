import json
from typing import Any

import pytest

from dask_ecs.api.daskcluster import API_VERSION, KIND
from dask_ecs.api.fargate import OFFERS
from dask_ecs.api.quantity import format_cpu, format_memory
from dask_ecs.api.spec import DaskClusterSpec

from .conftest import User

ACCOUNT = "123456789012"
DIGEST = f"sha256:{'0123456789abcdef' * 4}"
_CHECK = {"command": ["CMD", "true"]}


def _sidecar(name: str, *, check: dict[str, Any] | None = None, **waits_for: str) -> dict[str, Any]:
    """Return a sidecar that waits for other containers, each by the condition of which it has the name."""
    depends_on = [{"containerName": other, "condition": condition} for condition, other in waits_for.items()]
    return {"name": name, "image": "agent", "dependsOn": depends_on, **({"healthCheck": check} if check else {})}


ACCEPTED: dict[str, dict[str, Any]] = {
    "an image of Docker Hub": {"image": "dask"},
    "an image of a user of Docker Hub": {"image": "rapidsai/rapidsai:latest"},
    "an image of a registry with a port": {"image": "localhost:5000/team/my_dask__x:1"},
    "an image of ECR": {"image": f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/team-a/dask:2026.8.0-py3.12"},
    "an image by its digest": {"image": f"ghcr.io/dask/dask@{DIGEST}"},
    "an image by its tag and digest": {"image": f"ghcr.io/dask/dask:latest@{DIGEST}"},
    "ARM on Fargate": {"cpuArchitecture": "ARM64", "platformVersion": "1.4.0"},
    "a region of the government": {"region": "us-gov-west-1"},
    "a sovereign region": {"region": "eusc-de-east-1"},
    "Fargate on an ECS cluster of China": {
        "region": "cn-north-1",
        "clusterArn": f"arn:aws-cn:ecs:cn-north-1:{ACCOUNT}:cluster/team_a-1",
    },
    "any size on EC2": {
        "launchType": "EC2",
        "clusterArn": f"arn:aws:ecs:eu-west-1:{ACCOUNT}:cluster/research",
        "scheduler": {"cpu": "125m", "memory": "333Mi"},
        "worker": {"cpu": "7.5", "memory": "61.5Gi", "gpu": 16, "threads": 1},
    },
    "a scheduler on Spot and workers on instances": {
        "clusterArn": f"arn:aws:ecs:eu-west-1:{ACCOUNT}:cluster/research",
        "scheduler": {
            "launchType": "FARGATE",
            "capacityProviderStrategy": [
                {"capacityProvider": "FARGATE_SPOT", "weight": 1},
                {"capacityProvider": "FARGATE", "base": 100_000},
            ],
        },
        "worker": {
            "launchType": "EC2",
            "gpu": 4,
            "naming": {"start": 1_000_000_000, "step": 1_000_000},
            "capacityProviderStrategy": [{"capacityProvider": "gpus_a-1", "weight": 1000}],
            "placementConstraints": [
                {"type": "distinctInstance"},
                {"type": "memberOf", "expression": "attribute:ecs.instance-type =~ g5.* and agentConnected == true"},
            ],
            "placementStrategy": [
                {"type": "spread", "field": "attribute:ecs.availability-zone"},
                {"type": "binpack", "field": "memory"},
                {"type": "random"},
            ],
            "subnets": ["subnet-01234567"],
            "securityGroups": ["sg-01234567"],
            "runTaskOverrides": {
                "group": "nightly",
                "overrides": {"cpu": "1024", "containerOverrides": [{"name": "agent", "environment": []}]},
                "tags": [{"key": "cost", "value": "1"}],
            },
        },
    },
    "workers on Spot with every switch": {
        "worker": {"spot": True},
        "propagateTags": "TASK_DEFINITION",
        "enableECSManagedTags": True,
        "enableExecuteCommand": True,
        "platformVersion": "1.4.0",
    },
    "sidecars that start one after the other": {
        "scheduler": {"sidecars": [_sidecar("agent", HEALTHY="scheduler")]},
        "worker": {
            "healthCheck": _CHECK,
            "sidecars": [
                _sidecar("a", SUCCESS="b"),
                _sidecar("b", COMPLETE="c"),
                _sidecar("c", HEALTHY="d"),
                _sidecar("d", START="e", check=_CHECK),
                _sidecar("e", HEALTHY="worker"),
            ],
        },
    },
    "a scheduler elsewhere, by address": {"scheduler": {"address": "tcp://10.0.1.7:8786"}},
    "a scheduler elsewhere, by name and with TLS": {"scheduler": {"address": "tls://dask.example.com:443"}},
    "a private address on EC2": {
        "launchType": "EC2",
        "clusterArn": f"arn:aws:ecs:eu-west-1:{ACCOUNT}:cluster/research",
        "network": {"assignPublicIp": False},
    },
    "a network of old and new identifiers": {
        "network": {
            "vpcId": "vpc-01234567",
            "subnets": ["subnet-01234567", "subnet-0123456789abcdef0"],
            "securityGroups": ["sg-01234567", "sg-0123456789abcdef0"],
        }
    },
    "ranges from all to one address": {"network": {"allowedCidrs": ["0.0.0.0/0", "10.0.0.0/8", "10.0.1.7/32"]}},
    "roles with a path": {
        "iam": {
            "executionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/service-role/teams/ecsTaskExecutionRole",
            "taskRoleArn": f"arn:aws-us-gov:iam::{ACCOUNT}:role/dask+x=1,y.z@a_b-c",
        }
    },
    "policies of AWS and of the account": {
        "iam": {
            "taskRolePolicies": [
                "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy",
                f"arn:aws:iam::{ACCOUNT}:policy/data/read",
            ]
        }
    },
    "logs of a team": {"logs": {"group": "/teams/a.b_c#1", "streamPrefix": "a/b c", "retentionDays": 3653}},
    "the highest and the lowest port": {"scheduler": {"port": 65535, "dashboardPort": 1}},
    "environments of all three kinds": {
        "environment": [{"name": "DASK_LOGGING__DISTRIBUTED", "value": "debug"}, {"name": "EMPTY"}],
        "scheduler": {"environment": [{"name": "EMPTY", "value": "a=b, c"}]},
        "worker": {"environment": [{"name": "_x.y-z", "value": ""}], "extraArgs": ["--resources", "A=1 B=2"]},
    },
    "tags of all sorts": {"tags": {"cost centre": "4711", "équipe": "données", "a:b/c=d+e@f.g_h-i": "", "awsome": "1"}},
}


@pytest.mark.parametrize("spec", ACCEPTED.values(), ids=ACCEPTED)
def test_what_aws_accepts_is_accepted_and_read_back(user: User, spec: dict[str, Any]) -> None:
    user.applies("accepted", spec)

    stored = user.reads("accepted")["spec"]
    assert DaskClusterSpec.model_validate(stored) == DaskClusterSpec.model_validate(spec)


def test_every_size_that_fargate_sells_is_accepted_for_either_role(user: User) -> None:
    sizes = [
        {"cpu": format_cpu(offer.cpu_units), "memory": format_memory(memory)}
        for offer in OFFERS
        for memory in range(offer.least, offer.most + 1, offer.step)
    ]
    objects = [
        {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "metadata": {"name": f"size-{number}"},
            "spec": {"scheduler": size, "worker": size},
        }
        for number, size in enumerate(sizes)
    ]

    answer = user.types("create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))

    assert len(answer.splitlines()) == len(sizes)


def test_a_name_that_is_too_long_for_aws_is_accepted(user: User) -> None:
    name = "d" * 253

    user.applies(name, {})

    assert user.reads(name)["metadata"]["name"] == name
