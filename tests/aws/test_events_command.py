"""`dask-ecs events`, as a person runs it."""

import uuid

import pytest
import yaml
from click.testing import CliRunner, Result

from dask_ecs.aws.events import OPERATIONS, Events
from dask_ecs.aws.events_template import template
from dask_ecs.cli import main
from dask_ecs.local.aws.handle import LocalAWS


@pytest.fixture
def install(local_aws: LocalAWS, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in local_aws.environment.items():
        monkeypatch.setenv(name, value)
    return uuid.uuid4().hex[:8]


def events(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["events", *arguments])


def test_setup_prints_the_url_and_says_what_to_do_with_it(install: str, local_aws: LocalAWS) -> None:
    done = events("setup", "--install", install)
    url = f"{local_aws.url}/123456789012/dask-ecs-{install}-events"
    assert done.exit_code == 0
    assert done.stdout == f"{url}\n"
    assert f"--events-queue {url}" in done.stderr
    assert f"aws.eventsQueue={url}" in done.stderr
    assert f"sqs:DeleteMessage on arn:aws:sqs:eu-west-1:123456789012:dask-ecs-{install}-events" in done.stderr
    assert events("setup", "--install", install).stdout == done.stdout


def test_setup_works_in_the_region_that_is_named(install: str) -> None:
    done = events("setup", "--install", install, "--region", "us-west-2")
    assert f"arn:aws:sqs:us-west-2:123456789012:dask-ecs-{install}-events" in done.stderr
    assert "nothing to remove" in events("teardown", "--install", install).stdout
    assert "Removed SQS queue" in events("teardown", "--install", install, "--region", "us-west-2").stdout


def test_teardown_says_what_it_removed(install: str) -> None:
    url = events("setup", "--install", install).stdout.strip()
    assert events("teardown", "--install", install).stdout.splitlines() == [
        f"Removed EventBridge rule dask-ecs-{install}-events.",
        f"Removed SQS queue {url}.",
    ]
    again = events("teardown", "--install", install)
    assert again.exit_code == 0
    assert again.stdout == f"There is no dask-ecs-{install}-events: nothing to remove.\n"


def test_the_template_is_printed_and_nothing_is_made(install: str, local_aws: LocalAWS) -> None:
    local_aws.reset_calls()
    done = events("setup", "--install", install, "--cloudformation")
    assert yaml.safe_load(done.stdout) == template(Events(install=install))
    assert "&" not in done.stdout  # CloudFormation takes no aliases
    assert local_aws.calls() == {}


def test_the_template_takes_no_aws_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    assert "AWS::SQS::Queue" in events("setup", "--cloudformation").stdout
    done = events("setup")
    assert (done.exit_code, done.stderr) == (1, "Error: There is no AWS region: give --region, or set AWS_REGION.\n")


def test_what_is_not_allowed_is_one_line_with_what_to_do(install: str, local_aws: LocalAWS) -> None:
    message = "User: arn:aws:iam::123456789012:user/me is not authorized to perform: sqs:createqueue"
    local_aws.fault("sqs:CreateQueue", code="AccessDeniedException", message=message, status=403, count=1)
    done = events("setup", "--install", install)
    assert done.exit_code == 1
    assert len(done.stderr.splitlines()) == 1
    assert "sqs:CreateQueue is not allowed to you" in done.stderr
    assert "docs/events.md" in done.stderr


def test_without_credentials_the_message_says_so(install: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    done = events("setup", "--install", install)
    assert done.exit_code == 1
    assert len(done.stderr.splitlines()) == 1
    assert "credentials" in done.stderr


def test_setup_and_teardown_make_no_other_calls_than_those_documented(install: str, local_aws: LocalAWS) -> None:
    local_aws.reset_calls()
    events("setup", "--install", install)
    events("teardown", "--install", install)
    assert set(local_aws.calls()) == {str(operation) for operation in OPERATIONS}
