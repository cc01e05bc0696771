"""What the demo shows, from the first step to the table at the end."""

import contextlib
import dataclasses
import shlex
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from dask_ecs.local import foreground
from dask_ecs.local.demo import figures, platform_team
from dask_ecs.local.demo.account import Account, Inventory
from dask_ecs.local.demo.errors import DemoError, check
from dask_ecs.local.demo.life import Act, Life
from dask_ecs.local.demo.operator_process import OperatorProcess
from dask_ecs.local.demo.proof import prove_nothing_is_left
from dask_ecs.local.demo.shell import Shell
from dask_ecs.local.demo.transcript import Transcript
from dask_ecs.local.stack import GivenCluster, Stack

_ECS_CLUSTER = "research"
"""The ECS cluster that examples/ec2-gpu.yaml names."""

_STAND_IN = "dask-cuda-worker (stand-in)"
_NAMESPACE_GONE_WITHIN = 90.0  # seconds; the clusters in it have to go first


@dataclasses.dataclass(frozen=True)
class _Stage:
    stack: Stack
    shell: Shell
    operator: OperatorProcess
    transcript: Transcript
    account: Account

    def life(self, act: Act) -> Life:
        return Life(act, shell=self.shell, transcript=self.transcript, aws=self.stack.aws, account=self.account)

    def check(self) -> None:
        self.stack.check()
        self.operator.check()


def tell(*, examples: Path, keep: bool, cluster: GivenCluster | None) -> None:
    """Show everything; with ``keep`` stay after the first cluster is up, until Ctrl-C.

    Raises :class:`DemoError` or another LocalError at the first thing that is not as it should be.
    """
    manifests = [examples / "fargate.yaml", examples / "ec2-gpu.yaml"]
    for manifest in manifests:
        check(manifest.is_file(), f"{manifest} is not here: run this in a clone of the repository, or give --examples")
    fargate = Act(title="Fargate", manifest=manifests[0], name="demo", workers=4, scale_to=(5, 3))
    gpu = Act(title="EC2 with GPUs", manifest=manifests[1], name="gpu", workers=1, scale_to=(2,), gpu=True)
    with _set_up(Transcript(), cluster) as stage:
        try:
            first = _show(stage, fargate, keep=keep)
            if first is None:
                return
            second = _show_ec2(stage, gpu)
        except DemoError as error:
            raise DemoError(f"{error}\nThe operator's log: {stage.operator.log}") from error
        stage.transcript.heading("In figures")
        stage.transcript.table(figures.table({fargate.title: first, gpu.title: second}))


@contextlib.contextmanager
def _set_up(transcript: Transcript, cluster: GivenCluster | None) -> Iterator[_Stage]:
    transcript.heading("A Kubernetes API, an AWS and the operator")
    start = time.monotonic()
    with Stack.start(cluster=cluster) as stack:
        took = time.monotonic() - start
        what = "the given cluster" if cluster else "etcd, kube-apiserver and kube-controller-manager"
        transcript.say(f"Kubernetes: {what}. AWS: {stack.aws.url}, whose ECS runs tasks as processes. {took:.1f} s")
        shell = Shell(transcript, stack.environment)
        with namespace(shell) as name:
            shell.kubectl("version")
            shell.kubectl("api-resources", "--api-group=ecs.dask.org")
            options = ["--namespace", name, "--events-queue", shell.dask_ecs("events", "setup")]
            transcript.command(f"dask-ecs run {shlex.join(options)} &")
            with OperatorProcess.start(*options, environment=shell.environment) as operator:
                transcript.say(f"its log: {operator.log}")
                try:
                    yield _Stage(stack, shell, operator, transcript, Account(stack.aws))
                finally:
                    # While the operator is there to take its finalizers off: a given cluster outlives the demo.
                    if cluster:
                        _delete_namespace(shell, name)


@contextlib.contextmanager
def namespace(shell: Shell) -> Iterator[str]:
    """Make a namespace that kubectl uses from now on."""
    name = f"dask-demo-{uuid.uuid4().hex[:6]}"
    shell.kubectl("create", "namespace", name)
    shell.kubectl("config", "set-context", "--current", f"--namespace={name}")
    yield name


def _delete_namespace(shell: Shell, name: str) -> None:
    try:
        shell.kubectl("delete", "namespace", name, timeout=_NAMESPACE_GONE_WITHIN)
    except DemoError as error:
        print(f"The namespace {name} is still in the given cluster: {error}", file=sys.stderr)


def _show(stage: _Stage, act: Act, *, keep: bool = False) -> figures.Figures | None:
    """Show one act; None if it was kept running until Ctrl-C."""
    transcript, life = stage.transcript, stage.life(act)
    before = Inventory.take(stage.account)
    stage.stack.aws.reset_calls()
    transcript.heading(f"{act.title}: apply")
    applied_at = life.apply()
    with life.watching():
        life.await_ready()
        ready = time.time() - applied_at
        if act.gpu:
            _show_stand_in(life, transcript)
        transcript.heading(f"{act.title}: compute")
        life.compute()
        transcript.heading(f"{act.title}: scale")
        for replicas in act.scale_to:
            life.scale(replicas)
        transcript.heading(f"{act.title}: a worker crashes")
        life.crash_a_worker(workers=act.scale_to[-1])
        during = Inventory.take(stage.account)
        if not keep:
            transcript.heading(f"{act.title}: delete")
            gone = life.delete()
    if keep:
        _keep(stage, life)
        return None
    prove_nothing_is_left(transcript, before=before, during=during, after=Inventory.take(stage.account))
    return figures.figures(stage.stack.aws.call_log(), applied_at=applied_at, ready=ready, gone=gone)


def _show_ec2(stage: _Stage, act: Act) -> figures.Figures:
    transcript = stage.transcript
    transcript.heading("A platform team's ECS cluster, on EC2 instances with GPUs")
    arn = platform_team.make_cluster(stage.account, transcript, name=_ECS_CLUSTER, instances=max(act.scale_to))
    transcript.say("There is no GPU in this machine: ECS gives tasks the instances' GPUs by number, and a stand-in for")
    transcript.say("dask-cuda-worker runs a Dask worker without CUDA.")
    found = _show(stage, act)
    assert found is not None
    check(arn in stage.account.active_clusters(), f"the given ECS cluster {arn} is gone")
    transcript.good(f"the given ECS cluster {_ECS_CLUSTER} and its instances are as they were")
    return found


def _show_stand_in(life: Life, transcript: Transcript) -> None:
    said = next((line for line in life.worker_log() if _STAND_IN in line), None)
    if said is None:
        transcript.say("RAPIDS is installed here: the worker is a real dask-cuda-worker.")
    else:
        transcript.say("the worker's log in CloudWatch:")
        transcript.output(said)


def _keep(stage: _Stage, life: Life) -> None:
    stage.transcript.heading("It stays until Ctrl-C")
    scheduler, dashboard = life.addresses()
    stage.transcript.say(f"Dask's dashboard: {dashboard}")
    stage.transcript.say(f"the scheduler: {scheduler}; docs/connecting.md has the lines of Python that connect")
    foreground.stay(stage.stack.environment, check=stage.check)
