"""What a platform team has before anybody applies a manifest: an ECS cluster on EC2 instances of its own."""

import time

from dask_ecs.local.demo.account import Account, pages
from dask_ecs.local.demo.errors import check
from dask_ecs.local.demo.transcript import Transcript

# AWS: "Retrieving Amazon ECS-optimized Linux AMI metadata".
_IMAGE = "/aws/service/ecs/optimized-ami/amazon-linux-2/gpu/recommended/image_id"
INSTANCE_TYPE = "g4dn.xlarge"

_JOIN_WITHIN = 30.0  # seconds
_POLL_INTERVAL = 0.2


def make_cluster(account: Account, transcript: Transcript, *, name: str, instances: int) -> str:
    """Make an ECS cluster and EC2 instances with a GPU that join it; return its ARN.

    Raises :class:`DemoError` when they have not joined after half a minute.
    """
    arn: str = account.ecs.create_cluster(clusterName=name)["cluster"]["clusterArn"]
    transcript.say(f"ecs:CreateCluster: {arn}")
    subnet = account.ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"][0]
    reservation = account.ec2.run_instances(
        ImageId=account.ssm.get_parameter(Name=_IMAGE)["Parameter"]["Value"],
        InstanceType=INSTANCE_TYPE,
        MinCount=instances,
        MaxCount=instances,
        SubnetId=subnet["SubnetId"],
        UserData=f"#!/bin/bash\necho ECS_CLUSTER={name} >> /etc/ecs/ecs.config\n",
    )
    ids = ", ".join(instance["InstanceId"] for instance in reservation["Instances"])
    transcript.say(f"ec2:RunInstances, {INSTANCE_TYPE}, UserData ECS_CLUSTER={name}: {ids}")
    deadline = time.monotonic() + _JOIN_WITHIN
    while len(joined := list(pages(account.ecs, "list_container_instances", "containerInstanceArns", cluster=arn))) < (
        instances
    ):
        check(time.monotonic() < deadline, f"{len(joined)} of {instances} instances have joined the ECS cluster {name}")
        time.sleep(_POLL_INTERVAL)
    transcript.good(f"{instances} container instances have joined {name}")
    return arn
