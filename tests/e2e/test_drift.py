"""What others change on AWS is found and put right, and an event names it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from dask_ecs.local.aws.handle import LocalAWS
from dask_ecs.local.controlplane.run import ControlPlane
from dask_ecs.local.stack import Stack, apply_crds

from .aws_account import AwsAccount
from .conftest import QUICK, namespace
from .operator_under_its_policy import operator_under_its_policy
from .tenant import Tenant, manifest
from .waiting import until

READ_ONLY = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"


@pytest.fixture
def simulated(control_plane: ControlPlane) -> Iterator[Stack]:
    """A stack whose tasks are simulated: nothing here is about Dask."""
    apply_crds(control_plane.kubeconfig)
    with LocalAWS.start(executor="sim", delays=QUICK) as aws:
        yield Stack(kubeconfig=control_plane.kubeconfig, aws=aws, control_plane=control_plane)


@pytest.mark.parametrize("resync", ["2s", "0s"], ids=["by-itself", "when-asked-to"])
def test_what_others_have_changed_is_put_right(simulated: Stack, tmp_path: Path, resync: str) -> None:
    account = AwsAccount(simulated.aws)
    name = f"drift-{resync}"
    options = ["--namespace", name, "--resync", resync, "--allow-task-role-policy", READ_ONLY]
    with (
        namespace(simulated.kubeconfig, name=name),
        operator_under_its_policy(*options, stack=simulated, log=tmp_path / "log") as operator,
    ):
        tenant = Tenant(simulated.kubeconfig, name, operator)
        tenant.apply(manifest(replicas=1, iam={"taskRolePolicies": [READ_ONLY]}))
        before = tenant.wait_until_ready("demo", workers=1)
        tasks = {task["taskArn"] for task in account.live_tasks(before["clusterArn"])}
        execution, task = (before["roles"][use].rsplit("/", 1)[1] for use in ("execution", "task"))
        policy = account.iam.get_role_policy(RoleName=execution, PolicyName="dask-ecs")["PolicyDocument"]
        group = before["securityGroupId"]
        definition = before["taskDefinitions"]["worker"]
        connects = json.loads(tenant.kubectl("get", "secret", "demo-binding", "-ojson"))["data"]

        account.iam.detach_role_policy(RoleName=task, PolicyArn=READ_ONLY)
        account.iam.delete_role_policy(RoleName=execution, PolicyName="dask-ecs")
        account.ec2.authorize_security_group_ingress(
            GroupId=group, IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
        )
        account.logs.delete_log_group(logGroupName="dask-ecs")
        account.ecs.deregister_task_definition(taskDefinition=definition)
        if resync == "2s":
            tenant.kubectl("delete", "secret", "demo-binding")
            secret = "Secret demo-binding was deleted"
        else:
            tenant.kubectl("patch", "secret", "demo-binding", "--type=merge", '--patch={"data":{"uri":"eA=="}}')
            secret = "Secret demo-binding was changed (data.uri)"
        if resync == "0s":
            tenant.kubectl("annotate", "dkc", "demo", "ecs.dask.org/reconcile-requested-at=today")
            tenant.wait_for("demo", lambda status: status.get("lastHandledReconcileAt") == "today")

        expected: tuple[str, ...] = (
            f"Policy {READ_ONLY} was detached from IAM role {task}",
            f"The policy dask-ecs of IAM role {execution} was gone",
            "let in 0.0.0.0/0 to everything",
            "Log group dask-ecs was gone",
            secret,
            f"Task definition {definition.rsplit('/', 1)[1].rsplit(':', 1)[0]} was deregistered",
        )

        def all_told() -> bool:
            told = [event["message"] for event in tenant.events("demo") if event["reason"] == "DriftMended"]
            return all(any(words in message for message in told) for words in expected)

        until(all_told, shown=lambda: tenant.shown("demo"))
        assert account.iam.list_attached_role_policies(RoleName=task)["AttachedPolicies"][0]["PolicyArn"] == READ_ONLY
        assert account.iam.get_role_policy(RoleName=execution, PolicyName="dask-ecs")["PolicyDocument"] == policy
        (found,) = account.ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
        assert not [permission for permission in found["IpPermissions"] if permission["IpProtocol"] == "-1"]
        assert json.loads(tenant.kubectl("get", "secret", "demo-binding", "-ojson"))["data"] == connects
        assert account.logs.describe_log_groups(logGroupNamePrefix="dask-ecs")["logGroups"]
        tenant.wait_for("demo", lambda status: status["taskDefinitions"]["worker"] != definition)
        tenant.wait_until_ready("demo", workers=1)
        assert {task["taskArn"] for task in account.live_tasks(before["clusterArn"])} == tasks, "no task was touched"
        assert tenant.condition("demo", "UpToDate")["status"] == "True"

        (worker,) = account.live_tasks(before["clusterArn"], role="worker")
        account.ecs.stop_task(cluster=before["clusterArn"], task=worker["taskArn"], reason="by hand")
        stopped = worker["taskArn"].rsplit("/", 1)[1]
        expected = (f"Worker task {stopped} was stopped by somebody else: by hand. What is wanted is run again.",)
        until(all_told, shown=lambda: tenant.shown("demo"))
        (successor,) = until(lambda: account.live_tasks(before["clusterArn"], role="worker"))
        tenant.wait_until_ready("demo", workers=1)
        tasks = {*tasks, successor["taskArn"]} - {worker["taskArn"]}

        if resync == "2s":
            # An ECS cluster can only be deleted while nothing runs there, as during a pause.
            tenant.kubectl("annotate", "dkc", "demo", "ecs.dask.org/paused=true")
            tenant.wait_for_condition("demo", "Reconciling", "False", reason="Paused")
            for arn in tasks:
                account.ecs.stop_task(cluster=before["clusterArn"], task=arn)
            until(lambda: {"STOPPED"} == {task["lastStatus"] for task in account.tasks(before["clusterArn"])})
            account.ecs.delete_cluster(cluster=before["clusterArn"])
            tenant.kubectl("annotate", "dkc", "demo", "ecs.dask.org/paused-")
            expected = (f"ECS cluster {before['clusterArn'].rsplit('/', 1)[1]} was gone",)
            until(all_told, shown=lambda: tenant.shown("demo"))
            tenant.wait_until_ready("demo", workers=1)
        # Tasks that went with their ECS cluster are believed to be gone after two minutes: too long to wait for here.
        tenant.kubectl("patch", "dkc", "demo", "--type=merge", '--patch={"metadata":{"finalizers":[]}}')
