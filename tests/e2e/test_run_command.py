"""`dask-ecs run`: how it starts, what it says, how it ends."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from dask_ecs.local import kubectl
from dask_ecs.local.stack import Stack

from .aws_account import AwsAccount
from .conftest import named_after, namespace
from .tenant import Tenant, manifest

_COMMAND: list[str | Path] = [Path(sys.executable).parent / "dask-ecs", "run"]


def run(*arguments: str, environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run `dask-ecs run`, which is expected to end by itself."""
    return subprocess.run(
        [*_COMMAND, *arguments], env=dict(environment), capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def environment(quiet_stack: Stack, tmp_path: Path) -> dict[str, str]:
    """An environment in which the operator finds Kubernetes and AWS, and nothing of this machine's own."""
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **quiet_stack.environment}


def test_without_a_kubernetes_to_talk_to_it_says_what_to_set(environment: dict[str, str], tmp_path: Path) -> None:
    done = run(environment={**environment, "KUBECONFIG": str(tmp_path / "none")})
    assert done.returncode == 1
    assert "There is no Kubernetes to talk to" in done.stderr
    assert "Set KUBECONFIG, or run with a service account." in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("options", [[], ["--install", "abc"]], ids=["default install", "given install"])
def test_a_kubernetes_that_does_not_answer_is_named(
    environment: dict[str, str], tmp_path: Path, options: list[str]
) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "off", "cluster": {"server": "https://127.0.0.1:1"}}],
                "users": [{"name": "me", "user": {"token": "x"}}],
                "contexts": [{"name": "off", "context": {"cluster": "off", "user": "me"}}],
                "current-context": "off",
            }
        )
    )
    done = run(*options, environment={**environment, "KUBECONFIG": str(kubeconfig)})
    assert done.returncode == 1
    assert "127.0.0.1:1" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_account_that_may_not_list_dask_clusters_is_told_so(
    environment: dict[str, str], quiet_stack: Stack, tmp_path: Path
) -> None:
    assert quiet_stack.control_plane
    token = kubectl.run("create", "token", "default", kubeconfig=quiet_stack.kubeconfig).strip()
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(quiet_stack.control_plane.service_account_kubeconfig(token))
    done = run("--install", "abc", environment={**environment, "KUBECONFIG": str(kubeconfig)})
    assert done.returncode == 1
    assert "The DaskClusters of all namespaces can not be listed (Forbidden)." in done.stderr
    assert "what the operator's account may do" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_an_aws_region_it_says_what_to_set(environment: dict[str, str]) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        del environment[name]
    done = run(environment=environment)
    assert done.returncode == 1
    assert "There is no AWS region: set AWS_REGION, or a region in the AWS profile." in done.stderr
    assert "Traceback" not in done.stderr


def test_a_namespace_and_all_namespaces_exclude_each_other(environment: dict[str, str]) -> None:
    done = run("--namespace", "a", "--all-namespaces", environment=environment)
    assert done.returncode == 2
    assert "--namespace and --all-namespaces exclude each other." in done.stderr


def test_only_the_given_namespace_is_watched(
    lone_tenant: Tenant, quiet_stack: Stack, quiet_account: AwsAccount, request: pytest.FixtureRequest
) -> None:
    with namespace(quiet_stack.kubeconfig, name=f"x{named_after(request)[1:]}") as other:
        elsewhere = Tenant(quiet_stack.kubeconfig, other, lone_tenant.operator)
        elsewhere.apply(manifest())
        name = lone_tenant.apply(manifest())
        lone_tenant.wait_until_ready(name)
        untouched = elsewhere.get("demo") or {}
        assert "status" not in untouched
        assert "finalizers" not in untouched["metadata"]
        assert quiet_account.leftovers(untouched["metadata"]["uid"]) == []


def test_sigterm_ends_it_cleanly(lone_tenant: Tenant, quiet_account: AwsAccount) -> None:
    name = lone_tenant.apply(manifest())
    status = lone_tenant.wait_until_ready(name)
    assert lone_tenant.operator.terminate() == 0
    assert "Traceback" not in lone_tenant.operator.said
    assert len(quiet_account.live_tasks(status["clusterArn"])) == 2


@pytest.mark.parametrize("operator_options", [["--log-format", "json", "--log-level", "debug"]])
def test_json_logs_are_lines_of_json_that_name_the_object_and_the_aws_request(
    lone_tenant: Tenant, quiet_account: AwsAccount, operator_options: list[str]
) -> None:
    name = lone_tenant.apply(manifest(replicas=0))
    lone_tenant.wait_until_ready(name)
    lone_tenant.delete(name)
    lone_tenant.wait_until_gone(name)
    assert lone_tenant.operator.terminate() == 0
    lines = [json.loads(line) for line in lone_tenant.operator.said.splitlines() if not line.startswith("---")]
    assert all({"time", "level", "logger", "message"} <= line.keys() for line in lines)
    (launch,) = [line for line in lines if line["message"].startswith("ecs:RunTask took")]
    assert launch["object"] == f"{lone_tenant.namespace}/{name}"
    requests = {call["request_id"]: call["operation"] for call in quiet_account.aws.call_log("ecs:RunTask")}
    assert requests[launch["awsRequestId"]] == "ecs:RunTask"
