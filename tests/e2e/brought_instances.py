"""What an AWS account holds of instances that were brought for DaskClusters."""

from dataclasses import dataclass
from typing import Any

from .aws_account import AwsAccount


@dataclass(frozen=True)
class BroughtInstances:
    """Groups, templates, providers, profiles and machines, by the names and tags that the operator gives."""

    account: AwsAccount

    def groups(self) -> list[dict[str, Any]]:
        found = self.account.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
        return [dict(group) for group in found]

    def group(self, name: str) -> dict[str, Any]:
        return next(group for group in self.groups() if group["AutoScalingGroupName"] == name)

    def template(self, name: str) -> dict[str, Any]:
        """Return what the newest version of a launch template holds."""
        versions = self.account.ec2.describe_launch_template_versions(LaunchTemplateName=name, Versions=["$Latest"])
        return dict(versions["LaunchTemplateVersions"][0]["LaunchTemplateData"])

    def instances(self, group: str | None = None) -> list[dict[str, Any]]:
        """Return the machines that run, of a group or all."""
        filters: list[Any] = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
        if group:
            filters.append({"Name": "tag:aws:autoscaling:groupName", "Values": [group]})
        reservations = self.account.ec2.describe_instances(Filters=filters)["Reservations"]
        return [dict(instance) for reservation in reservations for instance in reservation["Instances"]]

    def lifecycles(self, group: str) -> list[str | None]:
        """Return of each machine of a group whether it is Spot."""
        return [instance.get("InstanceLifecycle") for instance in self.instances(group)]

    def everything(self) -> list[str]:
        """Return the names of all that was made to bring machines, and the machines."""
        templates = self.account.ec2.describe_launch_templates()["LaunchTemplates"]
        providers = self.account.ecs.describe_capacity_providers()["capacityProviders"]
        profiles = self.account.iam.list_instance_profiles()["InstanceProfiles"]
        return [
            *(group["AutoScalingGroupName"] for group in self.groups()),
            *(template["LaunchTemplateName"] for template in templates),
            *(provider["name"] for provider in providers if not provider["name"].startswith("FARGATE")),
            *(profile["InstanceProfileName"] for profile in profiles),
            *(instance["InstanceId"] for instance in self.instances()),
        ]
