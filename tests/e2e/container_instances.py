"""EC2 instances in an ECS cluster, as a platform team has them before anybody makes a DaskCluster."""

from .aws_account import AwsAccount
from .waiting import until


def make_ecs_cluster(account: AwsAccount, name: str, *instance_types: str) -> str:
    """Make an ECS cluster with these instances, wait until they have joined, and return its ARN."""
    arn = account.ecs.create_cluster(clusterName=name, tags=[{"key": "owner", "value": "platform"}])["cluster"][
        "clusterArn"
    ]
    for instance_type in instance_types:
        add_instance(account, name, instance_type)
    return arn


def add_instance(account: AwsAccount, ecs_cluster: str, instance_type: str) -> None:
    """Run an EC2 instance as the ECS-optimized AMI has them, and wait until it has joined."""

    def joined() -> int:
        return account.ecs.describe_clusters(clusters=[ecs_cluster])["clusters"][0]["registeredContainerInstancesCount"]

    before = joined()
    subnets = account.ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    account.ec2.run_instances(
        ImageId="ami-12c6146b",
        InstanceType=instance_type,  # type: ignore[arg-type]
        MinCount=1,
        MaxCount=1,
        SubnetId=subnets[0]["SubnetId"],
        UserData=f"#!/bin/bash\necho ECS_CLUSTER={ecs_cluster} >> /etc/ecs/ecs.config\n",
    )
    until(lambda: joined() > before)
