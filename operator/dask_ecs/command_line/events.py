"""``dask-ecs events``: the queue from which the operator hears of its tasks at once, instead of asking for them."""

import asyncio
from typing import Any

import click
import yaml

from dask_ecs.aws import events as aws_events
from dask_ecs.aws import events_template
from dask_ecs.aws.errors import AwsError
from dask_ecs.aws.events import Events, Made
from dask_ecs.aws.session import Aws, Sessions
from dask_ecs.command_line import own_credentials
from dask_ecs.command_line.install import INSTALL

_install = click.option(
    "--install",
    type=INSTALL,
    default="",
    help="The operator's install, as its log says. Default: take events of every install.",
)
_region = click.option("--region", help="AWS region of the tasks. Default: by AWS's standard configuration.")


class _Yaml(yaml.SafeDumper):
    """YAML without aliases, which CloudFormation does not take (AWS: "CloudFormation template format")."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


@click.group("events")
def command() -> None:
    """Let ECS tell the operator of its tasks, by EventBridge and an SQS queue."""


@command.command()
@_install
@_region
@click.option("--cloudformation", is_flag=True, help="Print a CloudFormation template of the same; make nothing.")
def setup(*, install: str, region: str | None, cloudformation: bool) -> None:
    """Make the queue and the rule that fills it, and print the queue's URL.

    What is there already is kept, and made as it should be. One queue is for one operator.
    """
    wanted = Events(install=install)
    if cloudformation:
        click.echo(yaml.dump(events_template.template(wanted), Dumper=_Yaml, sort_keys=False), nl=False)
        return
    made = asyncio.run(_setup(wanted, region))
    click.echo(made.queue_url)
    click.echo(
        f"EventBridge rule {made.rule_arn} sends the events there.\n"
        f"Allow the operator's AWS identity sqs:ReceiveMessage and sqs:DeleteMessage on {made.queue_arn}\n"
        f"and start it with --events-queue {made.queue_url}\n"
        f"or, by Helm, with --set aws.eventsQueue={made.queue_url}",
        err=True,
    )


@command.command()
@_install
@_region
def teardown(*, install: str, region: str | None) -> None:
    """Remove the queue and the rule that `setup` made for the same install."""
    wanted = Events(install=install)
    removed = asyncio.run(_teardown(wanted, region))
    click.echo("\n".join(f"Removed {each}." for each in removed) or f"There is no {wanted.name}: nothing to remove.")


async def _setup(wanted: Events, region: str | None) -> Made:
    async with Sessions() as sessions:
        try:
            return await aws_events.setup(_aws(sessions, region), wanted)
        except AwsError as error:
            raise _told(error) from error


async def _teardown(wanted: Events, region: str | None) -> list[str]:
    async with Sessions() as sessions:
        try:
            return await aws_events.teardown(_aws(sessions, region), wanted)
        except AwsError as error:
            raise _told(error) from error


def _told(error: AwsError) -> click.ClickException:
    if error.reason == "AccessDenied":
        return click.ClickException(
            f"{error.operation} is not allowed to you: {error.message.rstrip('.')}. docs/events.md lists what setup "
            "needs; or have somebody else make what --cloudformation prints."
        )
    return click.ClickException(own_credentials.advice(error))


def _aws(sessions: Sessions, region: str | None) -> Aws:
    name = region or sessions.default_region
    if not name:
        raise click.ClickException("There is no AWS region: give --region, or set AWS_REGION.")
    return sessions.region(name)
