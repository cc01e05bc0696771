"""The table of dask-cloudprovider's parameters: all are in it, and what it names is there."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from dask_ecs.api.crd import crds

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "from-dask-cloudprovider.md").read_text()
SCHEMA = crds()[0]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]

# The signatures of dask-cloudprovider 2025.9.0; FargateCluster has ECSCluster's.
ECS_CLUSTER = [
    "fargate_scheduler",
    "fargate_workers",
    "fargate_spot",
    "image",
    "cpu_architecture",
    "scheduler_cpu",
    "scheduler_mem",
    "scheduler_port",
    "scheduler_timeout",
    "scheduler_extra_args",
    "scheduler_task_definition_arn",
    "scheduler_task_kwargs",
    "scheduler_address",
    "worker_cpu",
    "worker_nthreads",
    "worker_mem",
    "worker_gpu",
    "worker_extra_args",
    "worker_task_definition_arn",
    "worker_task_kwargs",
    "n_workers",
    "workers_name_start",
    "workers_name_step",
    "cluster_arn",
    "cluster_name_template",
    "execution_role_arn",
    "task_role_arn",
    "task_role_policies",
    "cloudwatch_logs_group",
    "cloudwatch_logs_stream_prefix",
    "cloudwatch_logs_default_retention",
    "vpc",
    "subnets",
    "security_groups",
    "environment",
    "tags",
    "skip_cleanup",
    "aws_access_key_id",
    "aws_secret_access_key",
    "region_name",
    "platform_version",
    "fargate_use_private_ip",
    "mount_points",
    "volumes",
    "mount_volumes_on_scheduler",
]
EC2_CLUSTER = [
    "region",
    "availability_zone",
    "bootstrap",
    "auto_shutdown",
    "ami",
    "instance_type",
    "scheduler_instance_type",
    "worker_instance_type",
    "vpc",
    "subnet_id",
    "security_groups",
    "filesystem_size",
    "key_name",
    "iam_instance_profile",
    "docker_image",
    "debug",
    "instance_tags",
    "volume_tags",
    "use_private_ip",
    "enable_detailed_monitoring",
    "spot",
    "n_workers",
    "worker_class",
    "worker_options",
    "scheduler_options",
    "docker_args",
    "extra_bootstrap",
    "env_vars",
    "security",
    "protocol",
]


def _rows(heading: str) -> list[list[str]]:
    """Return the cells of the table below a heading."""
    section = PAGE.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize(
    ("heading", "parameters"),
    [("FargateCluster and ECSCluster", ECS_CLUSTER), ("EC2Cluster", EC2_CLUSTER)],
    ids=["ECSCluster", "EC2Cluster"],
)
def test_every_parameter_has_its_row(heading: str, parameters: list[str]) -> None:
    named = [name for row in _rows(heading) for name in re.findall(r"`(\w+)`", row[0])]
    assert sorted(named) == sorted(parameters)


def test_every_field_of_the_table_is_in_the_crd() -> None:
    fields = set(re.findall(r"`(spec\.[A-Za-z.]+)", PAGE))
    assert fields
    assert [field for field in sorted(fields) if not _is_field(field)] == []


def test_every_row_names_tests_that_are_there() -> None:
    shown = [(row[0], re.findall(r"`([\w/]+\.py)::(test_\w+)`", row[2])) for row in [*_rows_of_both()]]
    assert [parameter for parameter, tests in shown if not tests] == []
    missing = {f"{path}::{name}" for _, tests in shown for path, name in tests if name not in _tests_of(path)}
    assert missing == set()


def test_the_tests_of_a_row_set_the_rows_fields() -> None:
    unset = []
    for parameter, here, shown in _rows_of_both():
        named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", shown)
        text = "\n".join(_text_of(path, name) for path, name in named)
        fields = re.findall(r"`spec\.(?:\w+\.)*(\w+)", here)
        unset += [(parameter, field) for field in fields if not re.search(rf"\b{field}\b", text)]
    assert unset == []


def _rows_of_both() -> list[list[str]]:
    return _rows("FargateCluster and ECSCluster") + _rows("EC2Cluster")


def _is_field(path: str) -> bool:
    schema: Any = SCHEMA
    for name in path.split("."):
        schema = schema.get("items", schema).get("properties", {}).get(name)
        if schema is None:
            return False
    return True


def _text_of(path: str, test: str) -> str:
    """Return the source of a test and of what it uses of its module."""
    source = (ROOT / "tests" / path).read_text()
    there = {name: node for node in ast.parse(source).body for name in _names_given(node)}
    found, todo = dict[str, ast.stmt](), [test]
    while todo:
        name = todo.pop()
        if name in there and name not in found:
            found[name] = there[name]
            todo += [each.id for each in ast.walk(there[name]) if isinstance(each, ast.Name)]
    decorators = [each for node in found.values() for each in getattr(node, "decorator_list", [])]
    return "\n".join(ast.get_source_segment(source, node) or "" for node in (*found.values(), *decorators))


def _names_given(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    return [node.name] if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else []


def _tests_of(path: str) -> set[str]:
    file = ROOT / "tests" / path
    if not file.is_file():
        return set()
    tree = ast.parse(file.read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
