"""`dask-ecs run`: how it starts, what it says, how it ends."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from dask_ecs.controllers import login
from dask_ecs.local import kubectl
from dask_ecs.local.stack import Stack

from .aws_account import AwsAccount
from .conftest import named_after, namespace
from .operator_under_its_policy import operator_under_its_policy
from .tenant import Tenant, manifest

_COMMAND: list[str | Path] = [Path(sys.executable).parent / "dask-ecs", "run"]


def run(*arguments: str, environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run `dask-ecs run`, which is expected to end by itself."""
    return subprocess.run(
        [*_COMMAND, *arguments], env=dict(environment), capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture(scope="module")
def quiet_stack(simulated_stack: Stack) -> Stack:
    return simulated_stack


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
    assert (
        "The DaskClusters of all namespaces can not be listed (daskclusters.ecs.dask.org is forbidden: User"
        in done.stderr
    )
    assert "what the operator's account may do" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def kubeconfig_with_a_program(quiet_stack: Stack, tmp_path: Path) -> Path:
    """A kubeconfig like that of Amazon EKS: a program gives the token, which ends at once."""
    assert quiet_stack.control_plane
    token = kubectl.run("create", "token", "default", "--namespace=kube-system", kubeconfig=quiet_stack.kubeconfig)
    program = tmp_path / "get-token"
    credential = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": token.strip(), "expirationTimestamp": "2020-01-01T00:00:00Z"},
    }
    program.write_text(f"#!/bin/sh\necho '{json.dumps(credential)}'\n")
    program.chmod(0o755)
    content = yaml.safe_load(quiet_stack.control_plane.service_account_kubeconfig("none"))
    content["users"][0]["user"] = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": str(program),
            "interactiveMode": "Never",
        }
    }
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(content))
    return kubeconfig


def test_a_kubeconfig_whose_token_comes_from_a_program_is_taken(
    quiet_stack: Stack, kubeconfig_with_a_program: Path, environment: dict[str, str], request: pytest.FixtureRequest
) -> None:
    binding = named_after(request)
    kubectl.run(
        *("create", "clusterrolebinding", binding, "--clusterrole=cluster-admin"),
        "--serviceaccount=kube-system:default",
        kubeconfig=quiet_stack.kubeconfig,
    )
    with namespace(quiet_stack.kubeconfig, name=binding) as name:
        options = ["--namespace", name, "--install", "exec"]
        environment = {**environment, "KUBECONFIG": str(kubeconfig_with_a_program)}
        log = kubeconfig_with_a_program.parent / "log"
        with operator_under_its_policy(*options, stack=quiet_stack, environment=environment, log=log) as operator:
            tenant = Tenant(quiet_stack.kubeconfig, name, operator)
            tenant.apply(manifest(replicas=0))
            tenant.wait_until_ready("demo")
            tenant.delete("demo")
            tenant.wait_until_gone("demo")
    kubectl.run("delete", "clusterrolebinding", binding, kubeconfig=quiet_stack.kubeconfig)


async def test_the_token_of_a_program_is_renewed_before_it_ends(
    kubeconfig_with_a_program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig_with_a_program))
    kubernetes = await login.load()
    program = kubeconfig_with_a_program.parent / "get-token"
    program.write_text(re.sub(r'"token": "[^"]*"', '"token": "another"', program.read_text()))
    keeping = asyncio.create_task(kubernetes.keep(interval=0.01))
    async with asyncio.timeout(30):
        while await kubernetes.configuration.get_api_key_with_prefix("BearerToken") != "Bearer another":  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    keeping.cancel()


def test_a_program_that_gives_no_token_is_told_of(kubeconfig_with_a_program: Path, environment: dict[str, str]) -> None:
    program = kubeconfig_with_a_program.parent / "get-token"
    program.write_text("#!/bin/sh\necho 'Unable to locate credentials' >&2\nexit 255\n")
    done = run("--install", "exec", environment={**environment, "KUBECONFIG": str(kubeconfig_with_a_program)})
    assert done.returncode == 1
    assert "Unable to locate credentials" in done.stderr
    assert "can not be listed" in done.stderr
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
        assert quiet_account.leftovers(untouched["metadata"]["uid"], namespace=other) == []


def test_sigterm_ends_it_cleanly(lone_tenant: Tenant, quiet_account: AwsAccount) -> None:
    name = lone_tenant.apply(manifest())
    status = lone_tenant.wait_until_ready(name)
    assert lone_tenant.operator.terminate() == 0
    assert "Traceback" not in lone_tenant.operator.said
    assert len(quiet_account.live_tasks(status["clusterArn"])) == 2


@pytest.mark.parametrize("operator_options", [["--log-format", "json"]])
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
