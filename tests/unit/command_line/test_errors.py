"""Whatever a command is given, it says in one line what is wrong and what to do."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dask_ecs.cli import main

from .kubernetes_answers import answering, status

EXAMPLE = Path(__file__).parents[3] / "examples" / "fargate.yaml"
FORBIDDEN = 'daskclusters.ecs.dask.org "demo" is forbidden: User "jane" cannot get resource "daskclusters"'


@pytest.fixture(autouse=True)
def nothing_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith(("AWS_", "KUBE"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def told(*arguments: str, stdin: str | None = None, exit_code: int = 1) -> str:
    """Run a command that has to fail, and return its one line."""
    done: Result = CliRunner().invoke(main, list(arguments), input=stdin, catch_exceptions=False)
    assert done.exit_code == exit_code, done.output
    *usage, line = done.stderr.splitlines()
    assert not usage or exit_code == 2
    return line.removeprefix("Error: ")


def plan(*arguments: str) -> str:
    return told("plan", "-f", str(EXAMPLE), *arguments)


@pytest.mark.parametrize("command", [("plan", "-f", str(EXAMPLE)), ("run", "--install", "abc"), ("events", "setup")])
def test_a_profile_that_is_not_there_is_named(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nope")
    with answering(200, "{}", folder=tmp_path) as kubeconfig:
        monkeypatch.setenv("KUBECONFIG", kubeconfig)
        said = told(*command)
    assert "The config profile (nope) could not be found. Mend AWS_PROFILE" in said


def test_an_endpoint_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "foo")
    assert "Invalid endpoint: foo. Write AWS_ENDPOINT_URL as https://HOST" in told(
        "events", "setup", "--region", "eu-west-1"
    )
    done = CliRunner().invoke(main, ["plan", "-f", str(EXAMPLE)], catch_exceptions=False)
    assert done.exit_code == 0
    assert "AWS does not say whose account it is (AWS can not be called: Invalid endpoint: foo." in done.stdout


@pytest.mark.parametrize("command", ["plan", "iam-policy"])
@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\xff\xfe@bad", "is no YAML in UTF-8: 'utf-8' codec can't decode byte 0xff"),
        (b"a: [b", "is no YAML in UTF-8: while parsing a flow sequence"),
        (b"apiVersion: v1\nkind: List\nitems: 5", "items of a List have to be a list"),
        (b"apiVersion: ecs.dask.org/v1alpha1\nkind: DaskCluster\nmetadata: foo", "metadata: has to be an object"),
        (b"just a text", "holds no DaskCluster of ecs.dask.org/v1alpha1"),
    ],
)
def test_a_file_that_can_not_be_read_is_named(command: str, content: bytes, says: str, tmp_path: Path) -> None:
    file = tmp_path / "cluster.yaml"
    file.write_bytes(content)
    said = told(command, "-f", str(file))
    assert said.startswith(str(file))
    assert says in said


@pytest.mark.parametrize("command", [["plan"], ["iam-policy"]])
def test_standard_input_is_read(command: list[str]) -> None:
    of_file = CliRunner().invoke(main, [*command, "-f", str(EXAMPLE)])
    of_stdin = CliRunner().invoke(main, [*command, "-f", "-"], input=EXAMPLE.read_text())
    assert of_stdin.exit_code == 0
    assert of_stdin.stdout == of_file.stdout
    assert told(*command, "-f", "-", stdin="a: [").startswith("- is no YAML")


@pytest.mark.parametrize("command", [["describe", "demo"], ["logs", "demo"], ["run", "--install", "abc"]])
@pytest.mark.parametrize("content", [b"a: [", b"\x00\x01", b"\xff", b"garbage:", b"[]", b"text", b"clusters: 5", b""])
def test_a_kubeconfig_that_is_none_is_named(
    command: list[str], content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config"
    file.write_bytes(content)
    monkeypatch.setenv("KUBECONFIG", str(file))
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    said = told(*command)
    assert "kube" in said
    assert "Set KUBECONFIG" in said


@pytest.mark.parametrize("content_type", ["text/html", "application/json"])
def test_what_answers_and_is_no_api_server_is_told_of(
    content_type: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    with answering(200, "<html>Sign in</html>", folder=tmp_path, content_type=content_type) as kubeconfig:
        monkeypatch.setenv("KUBECONFIG", kubeconfig)
        assert told("describe", "demo").endswith("what answers is not a Kubernetes API server.")
        assert "(what answers is not a Kubernetes API server)" in told("run")


def test_who_may_not_do_what_is_said_as_kubernetes_says_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(403, status(reason="Forbidden", message=FORBIDDEN), folder=tmp_path) as kubeconfig:
        monkeypatch.setenv("KUBECONFIG", kubeconfig)
        assert FORBIDDEN in told("describe", "demo")


def test_a_kind_that_is_not_installed_is_told_from_an_object_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(404, "404 page not found\n", folder=tmp_path, content_type="text/plain") as kubeconfig:
        monkeypatch.setenv("KUBECONFIG", kubeconfig)
        assert "its CRD is not installed" in told("describe", "demo")
    with answering(404, status(reason="NotFound", message="not found"), folder=tmp_path) as kubeconfig:
        monkeypatch.setenv("KUBECONFIG", kubeconfig)
        assert told("logs", "demo") == "There is no DaskCluster demo in namespace team-a."


def test_an_object_that_breaks_a_rule_is_shown_and_the_rule_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"metadata": {"name": "demo", "namespace": "team-a"}, "spec": {"worker": {"cpu": "much"}}, "items": []}
    with answering(200, json.dumps(body), folder=tmp_path) as kubeconfig:
        monkeypatch.setenv("KUBECONFIG", kubeconfig)
        done = CliRunner().invoke(main, ["describe", "demo"], catch_exceptions=False)
        assert done.exit_code == 0
        assert done.stderr.startswith("demo breaks rules of the API, so edit it: spec.worker.cpu: not a Kubernetes")
        assert "Namespace:   team-a" in done.stdout
        done = CliRunner().invoke(main, ["logs", "demo"], catch_exceptions=False)
        assert "spec.worker.cpu: " in done.stderr
        assert "demo has run no task yet" in done.stderr


def test_an_empty_kubeconfig_variable_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".kube").mkdir()
    monkeypatch.setenv("KUBECONFIG", "")
    with answering(404, status(reason="NotFound"), folder=tmp_path) as kubeconfig:
        Path(kubeconfig).rename(tmp_path / ".kube" / "config")
        assert told("describe", "demo") == "There is no DaskCluster demo in namespace team-a."


@pytest.mark.parametrize("command", ["describe", "logs"])
@pytest.mark.parametrize("name", ["", "a/b", "A"])
def test_a_name_that_can_be_none_is_refused(command: str, name: str) -> None:
    assert f"{name!r} is no name for Kubernetes" in told(command, name, exit_code=2)


def test_a_folder_that_can_not_be_written_is_named() -> None:
    assert told("crds", "--output", "/proc/x").startswith("/proc/x can not be written: ")
