"""The same rule and queue as `events.setup` makes, as a CloudFormation template."""

from typing import Any

from dask_ecs.aws.events import DESCRIPTION, TARGET_ID, Events, queue_policy
from dask_ecs.aws.tags import upper_tags


def template(events: Events) -> dict[str, Any]:
    """Return the template; its output QueueUrl is what the operator is given."""
    queue_arn = {"Fn::GetAtt": ["Queue", "Arn"]}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": DESCRIPTION,
        "Resources": {
            "Queue": {
                "Type": "AWS::SQS::Queue",
                "Properties": {
                    "QueueName": events.name,
                    **events.queue_attributes,
                    "Tags": upper_tags(events.tags),
                },
            },
            "Rule": {
                "Type": "AWS::Events::Rule",
                "Properties": {
                    "Name": events.name,
                    "Description": DESCRIPTION,
                    "EventPattern": events.pattern,
                    "State": "ENABLED",
                    "Targets": [{"Id": TARGET_ID, "Arn": queue_arn}],
                    "Tags": upper_tags(events.tags),
                },
            },
            "QueuePolicy": {
                "Type": "AWS::SQS::QueuePolicy",
                "Properties": {
                    "Queues": [{"Ref": "Queue"}],
                    "PolicyDocument": queue_policy(queue_arn=queue_arn, rule_arn={"Fn::GetAtt": ["Rule", "Arn"]}),
                },
            },
        },
        "Outputs": {
            "QueueUrl": {"Description": "For dask-ecs run --events-queue", "Value": {"Ref": "Queue"}},
            "QueueArn": {"Description": "Where the operator receives and deletes messages", "Value": queue_arn},
        },
    }
