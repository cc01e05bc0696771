"""`dask-ecs iam-policy`: what the operator's AWS identity has to be allowed."""

import contextlib
import dataclasses
import json
import pathlib
from collections.abc import Iterable, Iterator, Sequence

import click

from dask_ecs.api.daskcluster import DaskCluster
from dask_ecs.api.spec import DaskClusterSpec
from dask_ecs.aws import iam_policy
from dask_ecs.aws.iam_policy import Scope
from dask_ecs.aws.permission import Purpose
from dask_ecs.command_line import manifests, roles_behind
from dask_ecs.command_line.aws_names import ACCOUNT, POLICY, QUEUE, REGION
from dask_ecs.command_line.install import INSTALL
from dask_ecs.plan import admission, roles
from dask_ecs.plan.problems import NeedsUser


@click.command("iam-policy")
@click.option(
    "-f",
    "--filename",
    "files",
    multiple=True,
    type=manifests.FILE,
    help="Allow only what the DaskClusters in this file need, - for standard input; may be repeated.",
)
@click.option(
    "--all-resources-given",
    is_flag=True,
    help="For clusters whose roles, security groups, ECS cluster and log group are all given.",
)
@click.option("--install", type=INSTALL, help="As of `dask-ecs run`. Default: any.")
@click.option("--account", type=ACCOUNT, metavar="ID", help="AWS account. Default: any.")
@click.option(
    "--region",
    "regions",
    type=REGION,
    multiple=True,
    metavar="REGION",
    help="AWS region; may be repeated. Default: any. Those that -f names are added.",
)
@click.option("--allow-log-group", "log_groups", multiple=True, metavar="PATTERN", help="As of `dask-ecs run`.")
@click.option("--allow-ecs-cluster", "ecs_clusters", multiple=True, metavar="PATTERN", help="As of `dask-ecs run`.")
@click.option("--allow-role", "allowed_roles", multiple=True, metavar="PATTERN", help="As of `dask-ecs run`.")
@click.option("--allow-task-role-policy", "policies", multiple=True, metavar="PATTERN", help="As of `dask-ecs run`.")
@click.option(
    "--allow-task-definition",
    "task_definitions",
    multiple=True,
    metavar="PATTERN",
    help="As of `dask-ecs run`; the roles that they name need --allow-role here.",
)
@click.option("--permissions-boundary", type=POLICY, metavar="ARN", help="As of `dask-ecs run`.")
@click.option(
    "--events-queue", "queue", type=QUEUE, metavar="QUEUE", help="That `dask-ecs events setup` made: its ARN or URL."
)
def command(
    files: tuple[pathlib.Path, ...],
    all_resources_given: bool,
    install: str | None,
    account: str | None,
    regions: tuple[str, ...],
    log_groups: tuple[str, ...],
    ecs_clusters: tuple[str, ...],
    allowed_roles: tuple[str, ...],
    policies: tuple[str, ...],
    task_definitions: tuple[str, ...],
    permissions_boundary: str | None,
    queue: str | None,
) -> None:
    """Print the IAM policy of the operator's AWS identity, as JSON.

    Everything that the operator makes carries the tag ecs.dask.org/install and a name that begins with dask-; the
    policy lets it change and delete nothing else, but for log groups, whose names are users' (--allow-log-group or -f
    says which), and for deregistering task definitions. Where IAM's limit of 6,144 characters asks for several
    policies, they are printed one after the other, and all of them have to be attached.
    """
    named_by_files = {
        "--allow-log-group": log_groups,
        "--allow-ecs-cluster": ecs_clusters,
        "--allow-task-role-policy": policies,
        "--allow-task-definition": task_definitions,
    }
    if files and (idle := [option for option, patterns in named_by_files.items() if patterns]):
        raise click.UsageError(f"With -f the manifests say what {', '.join(idle)} would: leave one of both out.")
    clusters = [cluster for path in files for cluster in manifests.read(path)]
    if regions:
        regions = _once((*regions, *(region for cluster in clusters if (region := cluster.spec.named_region))))
    scope = Scope(
        partition=tuple(dict.fromkeys(map(roles.partition, regions))) or ("aws",),
        region=regions or iam_policy.ANY,
        account=(account,) if account else iam_policy.ANY,
        install=(install,) if install else iam_policy.ANY,
        given_ecs_cluster=_once(arn.rsplit("/", 1)[-1] for arn in ecs_clusters) or iam_policy.ANY,
        log_group=log_groups or iam_policy.ANY,
        given_role=allowed_roles,
        allowed_policy=policies,
        given_task_definition=task_definitions,
        permissions_boundary=(permissions_boundary,) if permissions_boundary else (),
        events_queue=(queue,) if queue else (),
    )
    if files:
        for arn in roles_behind.where(cluster.spec for cluster in clusters) if not allowed_roles else ():
            click.echo(f"{arn} names roles that the operator has to pass: give their ARNs by --allow-role.", err=True)
        scope = for_clusters(clusters, scope)
    if all_resources_given:
        scope = without_making(scope)
    documents = iam_policy.documents(scope)
    if len(documents) > 1:
        click.echo(
            f"{len(documents)} policies, for one would be larger than IAM's {iam_policy.LONGEST_DOCUMENT:,} characters:"
            " attach all of them.",
            err=True,
        )
    for document in documents:
        click.echo(json.dumps(document, indent=2))


def for_clusters(clusters: Sequence[DaskCluster], scope: Scope) -> Scope:
    """Return the scope cut to what these clusters need: their things that are made, and those that are given."""
    specs = [cluster.spec for cluster in clusters]
    purposes: set[Purpose] = {"tasks", "log group", "events"}
    if any(map(_makes_roles, specs)):
        purposes.add("role")
    if any(spec.needs_security_group for spec in specs):
        purposes.add("security group")
    if any(not spec.cluster_arn for spec in specs):
        purposes.add("ECS cluster")
    if any(spec.capacity is not None for spec in specs):
        purposes |= {"capacity", "role"}
    if any(spec.has_tls for spec in specs):
        purposes.add("certificate")
    return dataclasses.replace(
        scope,
        given_ecs_cluster=_once(spec.cluster_arn.rsplit("/", 1)[-1] for spec in specs if spec.cluster_arn),
        given_role=_once((*scope.given_role, *(role for spec in specs for role in _roles(spec)))),
        given_task_definition=_once(
            arn for spec in specs for role in (spec.scheduler, spec.worker) if (arn := role.task_definition_arn)
        ),
        log_group=_once(spec.logs.group for spec in specs),
        allowed_policy=_once(policy for spec in specs for policy in spec.iam.task_role_policies),
        purposes=frozenset(purposes),
    )


def _makes_roles(spec: DaskClusterSpec) -> bool:
    """Whether tasks get a role that is made: a task definition of one's own names its roles itself."""
    return not (spec.iam.execution_role_arn and spec.iam.task_role_arn) and not spec.brings_all_definitions


def _roles(spec: DaskClusterSpec) -> Iterator[str]:
    """Yield the roles that a spec names; those of a definition or an instance profile that it names stand there."""
    with contextlib.suppress(NeedsUser):  # the operator refuses it
        yield from (it.value for it in admission.named(spec) if it.kind is admission.ROLE)


def without_making(scope: Scope) -> Scope:
    """Return the scope of an operator that makes nothing but certificates, and tasks and their definitions."""
    return dataclasses.replace(scope, purposes=scope.purposes & {"tasks", "events", "certificate"})


def _once(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))
