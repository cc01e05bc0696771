"""After `kubectl delete` AWS holds nothing of a cluster but its log group, whenever the delete comes."""

import json

import pytest

from dask_ecs.local import kubectl
from dask_ecs.local.stack import Stack

from .aws_account import AwsAccount
from .computation import compute_on
from .conftest import namespace
from .tenant import RunningCluster, Tenant, manifest
from .waiting import until


@pytest.fixture(scope="module")
def quiet_stack(simulated_stack: Stack) -> Stack:
    return simulated_stack


def _uid(tenant: Tenant, name: str) -> str:
    return str((tenant.get(name) or {})["metadata"]["uid"])


def test_nothing_is_left_of_a_running_cluster_but_its_log_group(tenant: Tenant, account: AwsAccount) -> None:
    name = tenant.apply(manifest(replicas=2))
    tenant.wait_until_ready(name)
    uid = _uid(tenant, name)
    held = account.leftovers(uid, namespace=tenant.namespace)
    assert len(held) == 10, "a cluster, three tasks, two definitions, two roles, a security group, a secret"
    tenant.kubectl("delete", "dkc", name)
    assert tenant.get(name) is None
    assert account.leftovers(uid, namespace=tenant.namespace) == []
    assert account.logs.describe_log_groups(logGroupNamePrefix="dask-ecs")["logGroups"]


def test_deleting_shows_what_it_waits_for(lone_tenant: Tenant, quiet_account: AwsAccount) -> None:
    quiet_account.aws.delays(deprovisioning=3)
    name = lone_tenant.apply(manifest(replicas=1))
    lone_tenant.wait_until_ready(name)
    lone_tenant.delete(name)
    status = lone_tenant.wait_for(name, lambda status: status["phase"] == "Deleting")
    conditions = {one["type"]: one for one in status["conditions"]}
    assert (conditions["Ready"]["status"], conditions["Reconciling"]["status"]) == ("False", "True")
    assert conditions["Stalled"]["status"] == "False"
    assert "Waiting for:" in conditions["Reconciling"]["message"]
    lone_tenant.wait_until_gone(name)


def test_what_the_user_gave_is_untouched(tenant: Tenant, account: AwsAccount) -> None:
    cluster = account.ecs.create_cluster(clusterName="given")["cluster"]["clusterArn"]
    (vpc,) = account.ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    subnets = account.ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["Subnets"]
    group = account.ec2.create_security_group(GroupName="given", Description="given", VpcId=vpc["VpcId"])["GroupId"]
    foreign = account.ecs.register_task_definition(
        family="foreign",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        containerDefinitions=[{"name": "main", "image": "busybox", "command": ["sleep", "600"]}],
    )["taskDefinition"]["taskDefinitionArn"]
    neighbour = account.ecs.run_task(
        cluster=cluster,
        taskDefinition=foreign,
        launchType="FARGATE",
        networkConfiguration={
            "awsvpcConfiguration": {"subnets": [subnets[0]["SubnetId"]], "assignPublicIp": "ENABLED"}
        },
    )["tasks"][0]["taskArn"]
    network = {"subnets": [subnets[0]["SubnetId"]], "securityGroups": [group]}
    name = tenant.apply(manifest(clusterArn=cluster, network=network))
    tenant.wait_until_ready(name)
    uid = _uid(tenant, name)
    tenant.kubectl("delete", "dkc", name)
    assert account.leftovers(uid, namespace=tenant.namespace) == []
    assert account.ecs.describe_clusters(clusters=[cluster])["clusters"][0]["status"] == "ACTIVE"
    (after,) = account.ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    assert after["IpPermissions"] == []
    assert [task["taskArn"] for task in account.live_tasks(cluster)] == [neighbour]
    assert account.ecs.describe_task_definition(taskDefinition=foreign)["taskDefinition"]["status"] == "ACTIVE"
    account.ecs.stop_task(cluster=cluster, task=neighbour)


@pytest.mark.parametrize(
    "operation",
    ["ecs:CreateCluster", "ec2:CreateSecurityGroup", "iam:CreateRole", "ecs:RegisterTaskDefinition", "ecs:RunTask"],
)
def test_nothing_is_left_by_a_delete_while_aws_carries_out_a_call(
    lone_tenant: Tenant, quiet_account: AwsAccount, operation: str
) -> None:
    quiet_account.aws.fault(operation, latency=2, count=1)
    quiet_account.aws.reset_calls()
    name = lone_tenant.apply(manifest())
    uid = _uid(lone_tenant, name)
    until(lambda: quiet_account.aws.calls().get(operation), every=0.02, shown=lambda: lone_tenant.shown(name))
    lone_tenant.delete(name)
    lone_tenant.wait_until_gone(name)
    assert quiet_account.leftovers(uid, namespace=lone_tenant.namespace) == []


@pytest.mark.parametrize(("state", "delay"), [("PROVISIONING", "provisioning"), ("PENDING", "pending")])
def test_nothing_is_left_by_a_delete_while_the_scheduler_starts(
    lone_tenant: Tenant, quiet_account: AwsAccount, state: str, delay: str
) -> None:
    quiet_account.aws.delays(**{delay: 4})
    name = lone_tenant.apply(manifest())
    uid = _uid(lone_tenant, name)

    def launching() -> bool:
        cluster = lone_tenant.status(name).get("clusterArn")
        tasks = quiet_account.tasks(cluster, uid=uid) if cluster else []
        return any(task["lastStatus"] == state for task in tasks)

    until(launching, shown=lambda: lone_tenant.shown(name))
    lone_tenant.delete(name)
    lone_tenant.wait_until_gone(name)
    assert quiet_account.leftovers(uid, namespace=lone_tenant.namespace) == []


def test_deleting_the_namespace_finishes(running: RunningCluster) -> None:
    tenant, account = running.tenant, running.account
    with namespace(tenant.kubeconfig, name="doomed") as name:
        doomed = Tenant(tenant.kubeconfig, name, tenant.operator)
        doomed.apply(manifest())
        doomed.wait_until_ready("demo")
        uid = _uid(doomed, "demo")
        kubectl.run("delete", "namespace", name, "--timeout=90s", kubeconfig=tenant.kubeconfig, timeout=120)
    assert account.leftovers(uid, namespace="doomed") == []


@pytest.mark.parametrize("end", ["sigkill", "terminate"])
def test_a_cluster_deleted_while_the_operator_is_down_is_cleaned_up(
    lone_tenant: Tenant, quiet_account: AwsAccount, end: str
) -> None:
    name = lone_tenant.apply(manifest())
    lone_tenant.wait_until_ready(name)
    uid = _uid(lone_tenant, name)
    getattr(lone_tenant.operator, end)()
    lone_tenant.delete(name)
    assert _uid(lone_tenant, name) == uid, "the finalizer keeps it"
    lone_tenant.operator.restart()
    lone_tenant.wait_until_gone(name)
    assert quiet_account.leftovers(uid, namespace=lone_tenant.namespace) == []


def test_an_operator_killed_while_it_deletes_goes_on_after_its_start(
    lone_tenant: Tenant, quiet_account: AwsAccount
) -> None:
    name = lone_tenant.apply(manifest())
    lone_tenant.wait_until_ready(name)
    uid = _uid(lone_tenant, name)
    quiet_account.aws.reset_calls()
    quiet_account.aws.fault("iam:DeleteRole", latency=1)  # what was sent is carried out, before the next start
    lone_tenant.delete(name)
    until(lambda: quiet_account.aws.calls().get("iam:DeleteRole"), shown=lambda: lone_tenant.shown(name))
    lone_tenant.operator.sigkill()
    quiet_account.aws.clear_faults()
    assert _uid(lone_tenant, name) == uid, "the finalizer keeps it"
    lone_tenant.operator.restart()
    lone_tenant.wait_until_gone(name)
    assert quiet_account.leftovers(uid, namespace=lone_tenant.namespace) == []


def test_a_cluster_made_anew_at_once_under_the_same_name_is_another(tenant: Tenant, account: AwsAccount) -> None:
    name = tenant.apply(manifest())
    tenant.wait_until_ready(name)
    first = _uid(tenant, name)
    tenant.kubectl("replace", "--force", "--filename=-", stdin=json.dumps(manifest()))
    second = _uid(tenant, name)
    assert second != first
    tenant.wait_until_ready(name)
    assert len(account.leftovers(second, namespace=tenant.namespace)) == 9
    compute_on(tenant, name)
