"""What `dask-ecs plan` prints."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from dask_ecs.cli import main

EXAMPLE = Path(__file__).parents[3] / "examples" / "fargate.yaml"


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> str:
    """The plan of the example, where nobody has AWS credentials."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    result = CliRunner().invoke(main, ["plan", "-f", str(EXAMPLE), "--install", "abc", "--region", "eu-west-1"])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_each_action_is_printed_with_the_calls_behind_it(printed: str) -> None:
    lines = [line.strip() for line in printed.splitlines()]
    assert lines[lines.index("run scheduler") + 1] == "ecs:RunTask"
    assert lines[lines.index("run 4 workers") + 1] == "ecs:RunTask"
    assert lines[lines.index("make ECS cluster dask-abc-default") + 1] == "ecs:DescribeClusters, ecs:CreateCluster"


def test_the_permissions_are_those_that_the_file_needs(printed: str) -> None:
    needed = printed.split("identity needs")[1]
    assert "iam:CreateRole" in needed
    assert "iam:AttachRolePolicy" not in needed


def test_a_file_without_dask_clusters_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.yaml"
    file.write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n")
    result = CliRunner().invoke(main, ["plan", "-f", str(file)])
    assert result.exit_code == 1
    assert "holds no DaskCluster" in result.output


def test_a_manifest_that_breaks_a_rule_is_named_with_it(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(EXAMPLE.read_text().replace("cpu: 4", "cpu: 3"))
    result = CliRunner().invoke(main, ["plan", "-f", str(file)])
    assert result.exit_code == 1
    assert "demo: spec" in result.output


def test_what_an_operators_options_admit_is_planned_with_these_options(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    arn = "arn:aws:ecs:eu-west-1:123456789012:task-definition/theirs:1"
    file.write_text(f"{EXAMPLE.read_text()}  scheduler: {{taskDefinitionArn: '{arn}'}}\n")
    refused = CliRunner().invoke(main, ["plan", "-f", str(file), "--region", "eu-west-1"])
    assert f"--allow-task-definition '{arn}'" in " ".join(refused.output.split())
    planned = CliRunner().invoke(
        main, ["plan", "-f", str(file), "--region", "eu-west-1", "--allow-task-definition", "*/theirs:*"]
    )
    assert f"use task definition {arn}" in planned.output
    assert "Refused" not in planned.output


def test_a_range_that_the_operators_options_do_not_admit_is_planned_as_refused(tmp_path: Path) -> None:
    file = tmp_path / "open.yaml"
    file.write_text(f"{EXAMPLE.read_text()}  network: {{allowedCidrs: [10.0.0.0/8]}}\n")
    arguments = ["plan", "-f", str(file), "--region", "eu-west-1", "--allow-cidr", "10.20.0.0/16"]
    printed = " ".join(CliRunner().invoke(main, arguments).output.split())
    assert "Refused: spec.network.allowedCidrs: the operator does not admit range 10.0.0.0/8." in printed
