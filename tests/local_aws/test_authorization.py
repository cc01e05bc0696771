"""What a user may do whose key IAM has given out, and how AWS words it when it is too much."""

from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from dask_ecs.local.aws.authorization import conditions
from dask_ecs.local.aws.identity_policy import decide

from .account import unique

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .account import Account

ACCOUNT = "123456789012"
ECS = f"arn:aws:ecs:eu-west-1:{ACCOUNT}"


def allow(*actions: str, on: str | list[str] = "*", when: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": on, **({"Condition": when} if when else {})}


@contextlib.contextmanager
def refused(code: str, *words: str) -> Iterator[None]:
    with pytest.raises(ClientError) as raised:
        yield
    error = raised.value.response["Error"]
    assert error["Code"] == code
    for word in words:
        assert word in error["Message"]


def test_a_key_that_iam_has_not_given_out_may_do_everything(account: Account) -> None:
    assert account.cluster()


def test_a_user_without_a_policy_for_it_is_refused_in_awss_words(account: Account) -> None:
    user = account.user(allow("ecs:DescribeClusters"))
    with refused(
        "AccessDeniedException",
        f"arn:aws:iam::{ACCOUNT}:user/",
        f"is not authorized to perform: ecs:CreateCluster on resource: {ECS}:cluster/mine",
        "because no identity-based policy allows the ecs:CreateCluster action",
    ):
        user.ecs.create_cluster(clusterName="mine")


def test_each_service_has_its_own_code_for_a_refusal(account: Account) -> None:
    user = account.user(allow("sts:GetSessionToken"))
    with refused("UnauthorizedOperation", "You are not authorized to perform this operation. User: "):
        user.ec2.describe_vpcs()
    with refused("AccessDenied"):
        user.iam.get_role(RoleName="nobody")
    with refused("AccessDeniedException"):
        user.logs.describe_log_groups()


def test_everybody_may_ask_who_they_are(account: Account) -> None:
    user = account.user(allow("sts:GetSessionToken"))
    assert ":user/user-" in user.client("sts").get_caller_identity()["Arn"]


def test_a_resource_counts_by_its_arn(account: Account) -> None:
    user = account.user(allow("ecs:CreateCluster", on=f"{ECS}:cluster/dask-*"))
    user.ecs.create_cluster(clusterName=unique("dask"))
    with refused("AccessDeniedException"):
        user.ecs.create_cluster(clusterName=unique("other"))


def test_tags_that_are_set_take_a_permission_of_their_own(account: Account) -> None:
    user = account.user(allow("ecs:CreateCluster"))
    with refused("AccessDeniedException", "ecs:TagResource"):
        user.ecs.create_cluster(clusterName=unique("dask"), tags=[{"key": "a", "value": "b"}])


def test_tags_can_be_asked_for_and_allowed_only_where_a_thing_is_made(account: Account) -> None:
    user = account.user(
        allow("ecs:CreateCluster", when={"StringEquals": {"aws:RequestTag/owner": "me"}}),
        allow("ecs:TagResource", when={"StringEquals": {"ecs:CreateAction": "CreateCluster"}}),
    )
    made = user.ecs.create_cluster(clusterName=unique("dask"), tags=[{"key": "owner", "value": "me"}])
    with refused("AccessDeniedException", "ecs:CreateCluster"):
        user.ecs.create_cluster(clusterName=unique("dask"), tags=[{"key": "owner", "value": "you"}])
    with refused("AccessDeniedException", "ecs:TagResource"):
        user.ecs.tag_resource(resourceArn=made["cluster"]["clusterArn"], tags=[{"key": "owner", "value": "you"}])


def test_a_thing_counts_by_its_tags(account: Account) -> None:
    user = account.user(allow("ecs:DeleteCluster", when={"StringEquals": {"aws:ResourceTag/owner": "me"}}))
    mine, others = account.cluster(tags=[{"key": "owner", "value": "me"}]), account.cluster()
    user.ecs.delete_cluster(cluster=mine)
    with refused("AccessDeniedException"):
        user.ecs.delete_cluster(cluster=others)


def test_what_is_denied_no_other_statement_allows(account: Account) -> None:
    user = account.user(allow("ecs:*"), {"Effect": "Deny", "Action": "ecs:Delete*", "Resource": "*"})
    cluster = account.cluster()
    assert user.ecs.describe_clusters(clusters=[cluster])["clusters"]
    with refused("AccessDeniedException", "with an explicit deny in an identity-based policy"):
        user.ecs.delete_cluster(cluster=cluster)


def test_a_role_is_passed_to_whom_the_policy_says(account: Account, assumable_role: str) -> None:
    cluster, definition = account.cluster(), account.definition("true", task={"executionRoleArn": assumable_role})
    run = allow("ecs:RunTask", on=f"{ECS}:task-definition/*")
    with refused("AccessDeniedException", f"iam:PassRole on resource: {assumable_role}"):
        account.user(run).ecs.run_task(**account.request(cluster, definition))
    for service, permitted in (("ec2.amazonaws.com", False), ("ecs-tasks.amazonaws.com", True)):
        user = account.user(
            run, allow("iam:PassRole", on=assumable_role, when={"StringEquals": {"iam:PassedToService": service}})
        )
        with contextlib.nullcontext() if permitted else refused("AccessDeniedException", "iam:PassRole"):
            assert user.ecs.run_task(**account.request(cluster, definition))["tasks"]


def test_a_task_counts_by_its_cluster(account: Account) -> None:
    cluster, definition = account.cluster(), account.definition()
    task = account.run(cluster, definition)
    inside = account.user(allow("ecs:StopTask", when={"ArnEquals": {"ecs:cluster": f"{ECS}:cluster/{cluster}"}}))
    outside = account.user(allow("ecs:StopTask", on=f"{ECS}:task/other/*"))
    with refused("AccessDeniedException", task):
        outside.ecs.stop_task(cluster=cluster, task=task)
    inside.ecs.stop_task(cluster=cluster, task=task)


def test_a_security_group_is_made_in_a_vpc_and_counts_by_its_tags(account: Account) -> None:
    tagged = {"StringEquals": {"aws:RequestTag/owner": "me"}}
    group = f"arn:aws:ec2:eu-west-1:{ACCOUNT}:security-group/*"
    making = [
        allow("ec2:CreateSecurityGroup", on=group, when=tagged),
        allow("ec2:CreateTags", on=group, when={"StringEquals": {"ec2:CreateAction": "CreateSecurityGroup"}}),
    ]
    tags = [{"ResourceType": "security-group", "Tags": [{"Key": "owner", "Value": "me"}]}]
    wanted: dict[str, Any] = {"Description": "x", "VpcId": account.vpc, "TagSpecifications": tags}
    with refused("UnauthorizedOperation", f"vpc/{account.vpc}"):
        account.user(*making).ec2.create_security_group(GroupName=unique("group"), **wanted)
    user = account.user(
        *making,
        allow("ec2:CreateSecurityGroup", on=f"arn:aws:ec2:*:{ACCOUNT}:vpc/*"),
        allow("ec2:DeleteSecurityGroup", when={"StringEquals": {"aws:ResourceTag/owner": "me"}}),
    )
    made = user.ec2.create_security_group(GroupName=unique("group"), **wanted)["GroupId"]
    other = account.ec2.create_security_group(GroupName=unique("group"), Description="x", VpcId=account.vpc)["GroupId"]
    user.ec2.delete_security_group(GroupId=made)
    with refused("UnauthorizedOperation"):
        user.ec2.delete_security_group(GroupId=other)


def test_a_role_counts_by_its_path_once_it_is_there(account: Account) -> None:
    name = unique("dask")
    user = account.user(allow("iam:*", on=f"arn:aws:iam::{ACCOUNT}:role/team/*"))
    with refused("AccessDenied", f"role/{name} "):
        user.iam.get_role(RoleName=name)
    user.iam.create_role(RoleName=name, Path="/team/", AssumeRolePolicyDocument="{}")
    assert user.iam.get_role(RoleName=name)["Role"]["Path"] == "/team/"


def test_a_role_that_is_made_must_have_the_boundary_that_is_asked_for(account: Account) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow("s3:*")]})
    boundary = account.iam.create_policy(PolicyName=unique("bounds"), PolicyDocument=document)["Policy"]["Arn"]
    bounded = {"StringEquals": {"iam:PermissionsBoundary": boundary}}
    user = account.user(allow("iam:CreateRole", "iam:PutRolePolicy", when=bounded))
    with refused("AccessDenied", "iam:CreateRole"):
        user.iam.create_role(RoleName=unique("dask"), AssumeRolePolicyDocument="{}")
    name = unique("dask")
    user.iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}", PermissionsBoundary=boundary)
    user.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document)


def test_only_the_policies_that_are_allowed_can_be_attached(account: Account) -> None:
    role = account.role().rpartition("/")[2]
    allowed = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    user = account.user(allow("iam:AttachRolePolicy", when={"ArnLike": {"iam:PolicyARN": allowed}}))
    user.iam.attach_role_policy(RoleName=role, PolicyArn=allowed)
    with refused("AccessDenied"):
        user.iam.attach_role_policy(RoleName=role, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")


def test_a_log_groups_arn_ends_with_its_streams_but_where_it_is_tagged(account: Account) -> None:
    name = unique("group")
    arn = f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:{name}"
    with refused("AccessDeniedException", "logs:CreateLogGroup"):
        account.user(allow("logs:*", on=arn)).logs.create_log_group(logGroupName=name)
    with refused("AccessDeniedException", "logs:TagResource"):
        account.user(allow("logs:*", on=f"{arn}:*")).logs.create_log_group(logGroupName=name, tags={"a": "b"})
    account.user(allow("logs:*", on=[arn, f"{arn}:*"])).logs.create_log_group(logGroupName=name, tags={"a": "b"})


def test_a_log_group_counts_by_its_tags_when_it_is_to_be_deleted(account: Account) -> None:
    ours = {"StringEquals": {"aws:ResourceTag/owner": "us"}}
    user = account.user(allow("logs:DeleteLogGroup", when=ours))
    mine, other = unique("mine"), unique("other")
    account.logs.create_log_group(logGroupName=mine, tags={"owner": "us"})
    account.logs.create_log_group(logGroupName=other)
    user.logs.delete_log_group(logGroupName=mine)
    with refused("AccessDeniedException", "logs:DeleteLogGroup"):
        user.logs.delete_log_group(logGroupName=other)


def test_a_secret_counts_by_its_tags_once_it_is_there(account: Account) -> None:
    name = unique("dask")
    on = f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:dask-*"
    ours = {"StringEquals": {"aws:ResourceTag/team": "a"}}
    user = account.user(allow("secretsmanager:DeleteSecret", on=on, when=ours)).client("secretsmanager")
    secrets = account.client("secretsmanager")
    for key, team in (f"{name}-a", "a"), (f"{name}-b", "b"):
        secrets.create_secret(Name=key, SecretString="sesame", Tags=[{"Key": "team", "Value": team}])
    user.delete_secret(SecretId=f"{name}-a")
    with refused("AccessDeniedException"):
        user.delete_secret(SecretId=f"{name}-b")


def test_a_launch_template_counts_by_its_tags_also_where_it_is_named(account: Account) -> None:
    data: Any = {"ImageId": "ami-12c6146b"}
    tag = {"Key": "owner", "Value": "us"}
    name, other = unique("template"), unique("template")
    tags: Any = [{"ResourceType": "launch-template", "Tags": [tag]}]
    made = account.ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData=data, TagSpecifications=tags)
    account.ec2.create_launch_template(LaunchTemplateName=other, LaunchTemplateData=data)
    template = f"arn:aws:ec2:eu-west-1:{ACCOUNT}:launch-template"
    ours = {"StringEquals": {"aws:ResourceTag/owner": "us"}}
    user = account.user(allow("ec2:CreateLaunchTemplateVersion", on=f"{template}/*", when=ours))
    user.ec2.create_launch_template_version(LaunchTemplateName=name, LaunchTemplateData=data)
    user.ec2.create_launch_template_version(
        LaunchTemplateId=made["LaunchTemplate"]["LaunchTemplateId"], LaunchTemplateData=data
    )
    with refused("UnauthorizedOperation", f"{template}/lt-"):
        user.ec2.create_launch_template_version(LaunchTemplateName=other, LaunchTemplateData=data)


def test_a_capacity_provider_counts_by_its_tags(account: Account) -> None:
    subnet = account.ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    mine, other, cluster = unique("mine"), unique("other"), account.cluster()
    for name, owner in ((mine, "us"), (other, "them")):
        account.ecs.create_capacity_provider(
            name=name,
            cluster=cluster,
            managedInstancesProvider={
                "infrastructureRoleArn": account.role(),
                "instanceLaunchTemplate": {
                    "ec2InstanceProfileArn": f"arn:aws:iam::{ACCOUNT}:instance-profile/i",
                    "networkConfiguration": {"subnets": [subnet]},
                },
            },
            tags=[{"key": "owner", "value": owner}],
        )
    user = account.user(allow("ecs:DeleteCapacityProvider", when={"StringEquals": {"aws:ResourceTag/owner": "us"}}))
    user.ecs.delete_capacity_provider(capacityProvider=mine, cluster=cluster)
    with refused("AccessDeniedException", f"capacity-provider/{other} "):
        user.ecs.delete_capacity_provider(capacityProvider=other, cluster=cluster)


def test_an_auto_scaling_group_counts_by_its_tags(account: Account) -> None:
    subnet = account.ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    template = unique("template")
    account.ec2.create_launch_template(LaunchTemplateName=template, LaunchTemplateData={"ImageId": "ami-12c6146b"})
    group: dict[str, Any] = {
        "MinSize": 0,
        "MaxSize": 0,
        "VPCZoneIdentifier": subnet,
        "LaunchTemplate": {"LaunchTemplateName": template},
    }
    name, other = unique("group"), unique("group")
    account.client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName=name, Tags=[{"Key": "owner", "Value": "us", "PropagateAtLaunch": True}], **group
    )
    account.client("autoscaling").create_auto_scaling_group(AutoScalingGroupName=other, **group)
    user = account.user(allow("autoscaling:*", when={"StringEquals": {"aws:ResourceTag/owner": "us"}}))
    user.client("autoscaling").update_auto_scaling_group(AutoScalingGroupName=name, MaxSize=1)
    with refused("AccessDenied", f"autoScalingGroupName/{other} "):
        user.client("autoscaling").update_auto_scaling_group(AutoScalingGroupName=other, MaxSize=1)


def test_an_assumed_role_has_its_own_policies_within_its_boundary(account: Account) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow("ecs:Describe*")]})
    boundary = account.iam.create_policy(PolicyName=unique("bounds"), PolicyDocument=document)["Policy"]["Arn"]
    role = account.iam.create_role(
        RoleName=unique("role"), AssumeRolePolicyDocument="{}", PermissionsBoundary=boundary
    )["Role"]
    everything = json.dumps({"Version": "2012-10-17", "Statement": [allow("*")]})
    account.iam.put_role_policy(RoleName=role["RoleName"], PolicyName="p", PolicyDocument=everything)
    key = account.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="session")["Credentials"][
        "AccessKeyId"
    ]
    session = type(account)(account.aws, access_key=key)
    assert session.ecs.describe_clusters(clusters=["default"])["failures"]
    with refused("AccessDeniedException", "assumed-role", "because no permissions boundary allows"):
        session.ecs.create_cluster(clusterName="mine")


@pytest.mark.parametrize(
    ("condition", "context", "holds"),
    [
        ({"StringEquals": {"k": "a"}}, {"k": "a"}, True),
        ({"StringEquals": {"K": ["a", "b"]}}, {"k": "b"}, True),
        ({"StringEquals": {"k": "a*"}}, {"k": "ab"}, False),
        ({"StringEquals": {"k": "a"}}, {}, False),
        ({"StringEqualsIfExists": {"k": "a"}}, {}, True),
        ({"StringNotEquals": {"k": "a"}}, {"k": "a"}, False),
        ({"StringNotEquals": {"k": "a"}}, {}, True),
        ({"StringLike": {"k": "a*"}}, {"k": "ab"}, True),
        ({"ArnLike": {"k": "arn:aws:iam::*:role/x"}}, {"k": "arn:aws:iam::1:role/x"}, True),
        ({"Null": {"k": "true"}}, {}, True),
        ({"Null": {"k": "false"}}, {}, False),
        ({"Bool": {"k": False}}, {"k": "false"}, True),
        ({"ForAllValues:StringEquals": {"k": ["a", "b"]}}, {"k": ("a", "b")}, True),
        ({"ForAllValues:StringEquals": {"k": ["a"]}}, {"k": ("a", "b")}, False),
        ({"ForAllValues:StringEquals": {"k": ["a"]}}, {}, True),
        ({"ForAnyValue:StringEquals": {"k": ["a"]}}, {"k": ("a", "b")}, True),
        ({"ForAnyValue:StringEquals": {"k": ["a"]}}, {}, False),
        ({"StringEquals": {"k": "a", "l": "b"}}, {"k": "a", "l": "c"}, False),
    ],
)
def test_a_condition_holds_as_iam_has_it(condition: dict[str, Any], context: dict[str, Any], holds: bool) -> None:
    assert conditions.hold(condition, context) is holds


def test_notaction_and_notresource_name_all_others() -> None:
    document = json.dumps({"Statement": {"Effect": "Allow", "NotAction": "iam:*", "NotResource": "arn:x"}})
    for action, resource, expected in (
        ("ecs:RunTask", "arn:y", "allowed"),
        ("iam:GetRole", "arn:y", "not allowed"),
        ("ecs:RunTask", "arn:x", "not allowed"),
    ):
        assert decide([document], action=action, resource=resource, context={}) == expected


def test_what_policies_did_not_allow_is_remembered_by_itself(account: Account) -> None:
    user = account.user(allow("ecs:DescribeClusters"))
    began = time.time()
    user.ecs.describe_clusters()
    with pytest.raises(ClientError) as raised:
        user.ecs.create_cluster(clusterName="mine")
    account.aws.fault("ecs:DescribeClusters", code="AccessDeniedException", count=1)
    with refused("AccessDeniedException"):
        user.ecs.describe_clusters()
    caller = account.aws.call_log("ecs:CreateCluster")[-1]["caller"]
    account.aws.reset_calls()
    (denial,) = account.aws.denials(since=began)
    assert (denial["operation"], denial["caller"]) == ("ecs:CreateCluster", caller)
    assert denial["message"] == raised.value.response["Error"]["Message"]
