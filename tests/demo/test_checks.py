"""What makes the demo fail."""

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask
import pytest

from dask_ecs.local.aws.handle import LocalAWS
from dask_ecs.local.controlplane.run import ControlPlane
from dask_ecs.local.demo import computation
from dask_ecs.local.demo.account import LOG_GROUPS, Account, Inventory
from dask_ecs.local.demo.errors import DemoError
from dask_ecs.local.demo.figures import figures, table
from dask_ecs.local.demo.life import Act, Life
from dask_ecs.local.demo.operator_process import OperatorProcess
from dask_ecs.local.demo.proof import prove_nothing_is_left
from dask_ecs.local.demo.shell import Shell
from dask_ecs.local.demo.story import namespace
from dask_ecs.local.demo.transcript import Transcript
from dask_ecs.local.stack import GivenCluster, Stack

_FARGATE = Act(
    title="Fargate",
    manifest=Path(__file__).parents[2] / "examples" / "fargate.yaml",
    name="demo",
    workers=4,
    scale_to=(1,),
)
_OPERATOR = "aiobotocore/3 app/dask-ecs-operator botocore/1"


@pytest.fixture
def transcript() -> Transcript:
    return Transcript(io.StringIO())


@pytest.fixture(scope="module")
def stack(control_plane: ControlPlane) -> Iterator[Stack]:
    with Stack.start(cluster=GivenCluster(kubeconfig=control_plane.kubeconfig)) as stack:
        yield stack


def _life(stack: Stack, shell: Shell, transcript: Transcript) -> Life:
    return Life(_FARGATE, shell=shell, transcript=transcript, aws=stack.aws, account=Account(stack.aws), deadline=3)


def test_an_aws_that_runs_no_task_fails_it(stack: Stack, transcript: Transcript) -> None:
    shell = Shell(transcript, stack.environment)
    stack.aws.fault("ecs:RunTask", code="AccessDeniedException", message="You shall not pass.")
    with namespace(shell) as name, OperatorProcess.start("--namespace", name, environment=shell.environment):
        life = _life(stack, shell, transcript)
        life.apply()
        with pytest.raises(
            DemoError, match=r"^`kubectl wait --for=condition=Ready dkc/demo --timeout=3s` ended with 1$"
        ):
            life.await_ready()
        stack.aws.clear_faults()
        life.delete()


def test_a_scheduler_that_is_not_there_fails_it(transcript: Transcript, tmp_path: Path) -> None:
    shell = Shell(transcript, {})
    (tmp_path / "uri").write_text("tcp://127.0.0.1:1")
    command = ["-m", "dask_ecs.local.demo.computation", "--binding", str(tmp_path), "--workers", "1"]
    with pytest.raises(DemoError, match="was not done after 2 s"):
        shell.python(*command, timeout=2)


def test_a_wrong_result_fails_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert not computation.is_right("sum", lambda: 2, 3)
    assert "WRONG: 3 is right" in capsys.readouterr().out


def test_what_is_known_is_what_dask_computes() -> None:
    with dask.config.set(scheduler="synchronous"):
        assert float(computation.product_sum(30).compute()) == computation.product_sum_known(30)
        assert computation.medians().compute().sort_index().tolist() == computation.medians_known()


def test_an_operator_that_does_not_start_fails_it(transcript: Transcript, tmp_path: Path) -> None:
    shell = Shell(transcript, {"KUBECONFIG": str(tmp_path / "none")})
    with (
        pytest.raises(DemoError, match=r"(?s)the operator has ended.*There is no Kubernetes to talk to"),
        OperatorProcess.start(environment=shell.environment),
    ):
        pass


def test_a_command_that_fails_is_named_with_its_output_above(transcript: Transcript) -> None:
    out = io.StringIO()
    shell = Shell(Transcript(out), {})
    with pytest.raises(DemoError, match=r"^`python -c 'import sys; .*'` ended with 1$"):
        shell.python("-c", 'import sys; sys.exit("no")', timeout=30)
    assert out.getvalue().splitlines()[-1] == "no"


def test_credentials_of_the_user_do_not_reach_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_ECS", "https://ecs.eu-west-1.amazonaws.com")
    environment = Shell(Transcript(io.StringIO()), {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}).environment
    assert {name for name in environment if name.startswith("AWS_")} == {"AWS_ENDPOINT_URL"}


def test_a_row_in_the_background_is_shown_once_until_something_but_its_age_changes() -> None:
    out = io.StringIO()
    program = (
        "print('demo Pending 1s'); print('demo Pending 2s'); print('demo Running 3s'); import time; time.sleep(60)"
    )
    shell = Shell(Transcript(out), {})
    with shell.in_background(sys.executable, "-uc", program, mark="dkc"):
        while "Running" not in out.getvalue():  # the suite's timeout is the deadline
            pass
    assert out.getvalue().splitlines() == ["   dkc │ demo Pending 1s", "   dkc │ demo Running 3s"]


def _inventory(**found: set[str]) -> Inventory:
    kinds = {"IAM roles": frozenset[str](), LOG_GROUPS: frozenset[str](), "ECS clusters": frozenset[str]()}
    return Inventory({**kinds, **{kind.replace("_", " "): frozenset(names) for kind, names in found.items()}})


@pytest.fixture
def _few_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dask_ecs.local.demo.account._KINDS", _inventory().found)


@pytest.mark.usefixtures("_few_kinds")
@pytest.mark.parametrize(
    ("during", "after", "message"),
    [
        ({"IAM_roles": {"r"}, "ECS_clusters": {"given"}}, {"IAM_roles": {"r"}, "ECS_clusters": {"given"}}, "roles: r"),
        ({"IAM_roles": {"r"}, "ECS_clusters": {"given"}}, {}, "not hold any more .*: ECS clusters: given"),
        ({"ECS_clusters": {"given"}}, {"ECS_clusters": {"given"}}, "held nothing"),
    ],
)
def test_what_is_left_or_taken_on_aws_fails_it(
    transcript: Transcript, during: dict[str, set[str]], after: dict[str, set[str]], message: str
) -> None:
    with pytest.raises(DemoError, match=message):
        prove_nothing_is_left(
            transcript,
            before=_inventory(ECS_clusters={"given"}),
            during=_inventory(**during),
            after=_inventory(**after),
        )


@pytest.mark.usefixtures("_few_kinds")
def test_the_log_group_may_stay(transcript: Transcript) -> None:
    during = Inventory({**_inventory(IAM_roles={"r"}).found, LOG_GROUPS: frozenset({"dask-ecs"})})
    after = Inventory({**_inventory().found, LOG_GROUPS: frozenset({"dask-ecs"})})
    prove_nothing_is_left(transcript, before=_inventory(), during=during, after=after)


def _call(operation: str, *, at: float, outcome: str = "", user_agent: str = _OPERATOR) -> dict[str, Any]:
    return {"operation": operation, "at": at, "outcome": outcome, "user_agent": user_agent}


def test_the_figures_are_of_the_operators_calls() -> None:
    log = [
        _call("ecs:RunTask", at=101.0, outcome="ClientException"),
        _call("ecs:RunTask", at=103.5),
        _call("ecs:ListTasks", at=104.0),
        _call("ecs:ListTasks", at=104.0, user_agent="Boto3/1"),
    ]
    found = figures(log, applied_at=100.0, ready=9.0, gone=4.0)
    assert found.first_run_task == pytest.approx(3.5)
    assert found.calls == {"ecs:RunTask": 2, "ecs:ListTasks": 1}
    assert ["AWS calls, from apply to the end", "3"] in table({"Fargate": found})


def test_an_operator_that_ran_no_task_has_no_figures() -> None:
    with pytest.raises(DemoError, match="no task that the operator has run"):
        figures([_call("ecs:RunTask", at=1.0, outcome="ClientException")], applied_at=0.0, ready=1.0, gone=1.0)


def test_neither_a_profile_nor_a_proxy_of_the_user_comes_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with LocalAWS.start() as aws:
        assert Account(aws).active_clusters() == []
        assert aws.calls()
