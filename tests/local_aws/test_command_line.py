"""The aws command line and the server's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner

from dask_ecs.local.aws.cli import command

from .account import unique

if TYPE_CHECKING:
    from .account import Account


def aws(account: Account, *arguments: str) -> Any:
    program = str(Path(sys.executable).with_name("aws"))
    environment = {**os.environ, **account.aws.environment}
    done = subprocess.run(
        [program, *arguments, "--output", "json"], env=environment, capture_output=True, timeout=60, check=True
    )
    return json.loads(done.stdout)


def test_the_aws_command_line_sees_a_task_run(account: Account) -> None:
    cluster = account.cluster()
    definition = account.definition("exit 3")
    network = json.dumps(account.network())
    ran = aws(
        account,
        *("ecs", "run-task", "--cluster", cluster, "--task-definition", definition),
        *("--launch-type", "FARGATE", "--network-configuration", network),
    )
    arn = ran["tasks"][0]["taskArn"]
    account.until(cluster, arn, "STOPPED")
    described = aws(account, "ecs", "describe-tasks", "--cluster", cluster, "--tasks", arn)
    assert described["tasks"][0]["containers"][0]["exitCode"] == 3


def test_the_aws_command_line_pages_by_itself(account: Account) -> None:
    family = unique("family")
    definitions = [account.definition(task={"family": family}) for _ in range(5)]
    listed = aws(account, "ecs", "list-task-definitions", "--family-prefix", family, "--page-size", "2")
    assert listed["taskDefinitionArns"] == definitions


def test_help_says_what_the_server_is() -> None:
    shown = CliRunner().invoke(command, ["--help"])
    assert shown.exit_code == 0
    assert "Serve an AWS on loopback" in shown.output
