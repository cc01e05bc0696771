"""Containers have their secrets in the environment, or do not start, as AWS says it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from .account import unique

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .account import Account


@pytest.fixture
def secret(account: Account) -> str:
    """A secret of two keys; return its ARN."""
    value = json.dumps({"username": "ada", "password": "sesame"})
    made = account.client("secretsmanager").create_secret(Name=unique("secret"), SecretString=value)
    return str(made["ARN"])


@pytest.fixture
def parameter(account: Account) -> str:
    """A parameter; return its ARN."""
    name = f"/{unique('team')}/token"
    account.client("ssm").put_parameter(Name=name, Value="open", Type="SecureString")
    return f"arn:aws:ssm:{account.aws.region}:123456789012:parameter{name}"


@pytest.fixture
def role(account: Account) -> Iterator[str]:
    """A role that can be used at once."""
    before = account.aws.delays()
    account.aws.delays(role_assumable=0)
    yield account.role()
    account.aws.delays(**before)


def allow(account: Account, role: str, **actions: str) -> None:
    """Let a role do these things, each with one resource."""
    statements = [
        {"Effect": "Allow", "Action": action.replace("_", ":"), "Resource": resource}
        for action, resource in actions.items()
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    account.iam.put_role_policy(RoleName=role.rpartition("/")[2], PolicyName=unique("policy"), PolicyDocument=document)


def ended(account: Account, shell: str, *, role: str, **container: Any) -> dict[str, Any]:
    cluster = account.cluster()
    arn = account.run(cluster, account.definition(shell, task={"executionRoleArn": role}, **container))
    return account.until(cluster, arn, "STOPPED")


def test_secrets_are_in_the_containers_environment(account: Account, role: str, secret: str, parameter: str) -> None:
    allow(account, role, secretsmanager_GetSecretValue=secret, ssm_GetParameters=parameter)
    task = ended(
        account,
        'test "$PASSWORD" = sesame && test "$TOKEN" = open && case "$WHOLE" in "{"*) exit 7;; esac',
        role=role,
        secrets=[
            {"name": "PASSWORD", "valueFrom": f"{secret}:password::"},
            {"name": "TOKEN", "valueFrom": parameter},
            {"name": "WHOLE", "valueFrom": secret},
        ],
    )
    assert task["containers"][0]["exitCode"] == 7
    assert "sesame" not in str(task)


@pytest.mark.parametrize("kind", ["secret", "parameter"])
def test_a_role_that_may_not_read_it_can_not_start_the_task(
    account: Account, role: str, kind: str, secret: str, parameter: str
) -> None:
    arn, action = {
        "secret": (secret, "secretsmanager:GetSecretValue"),
        "parameter": (parameter, "ssm:GetParameters"),
    }[kind]
    allow(account, role, secretsmanager_GetSecretValue=f"{secret}x", ssm_GetParameters=f"{parameter}x")
    task = ended(account, "exit 7", role=role, secrets=[{"name": "A", "valueFrom": arn}])
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith("ResourceInitializationError: unable to pull secrets or registry auth: ")
    assert (
        f"AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/{role.rpartition('/')[2]}"
        in (task["stoppedReason"])
    )
    assert f"is not authorized to perform: {action} on resource: {arn}" in task["stoppedReason"]
    assert "startedAt" not in task


@pytest.mark.parametrize(
    ("suffix", "says"),
    [
        ("gone", "ResourceNotFoundException: Secrets Manager can't find the specified secret."),
        (":surname::", "did not contain json key surname"),
        ("::AWSPREVIOUS:", "ResourceNotFoundException"),
    ],
)
def test_what_is_not_there_can_not_be_read(account: Account, role: str, secret: str, suffix: str, says: str) -> None:
    allow(account, role, secretsmanager_GetSecretValue="*")
    task = ended(account, "exit 7", role=role, secrets=[{"name": "A", "valueFrom": f"{secret}{suffix}"}])
    assert task["stopCode"] == "TaskFailedToStart"
    assert says in task["stoppedReason"]


def test_a_boundary_keeps_a_role_from_reading(account: Account, role: str, secret: str) -> None:
    allow(account, role, secretsmanager_GetSecretValue=secret)
    nothing = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]}
    boundary = account.iam.create_policy(PolicyName=unique("boundary"), PolicyDocument=json.dumps(nothing))
    account.iam.put_role_permissions_boundary(
        RoleName=role.rpartition("/")[2], PermissionsBoundary=boundary["Policy"]["Arn"]
    )
    task = ended(account, "exit 7", role=role, secrets=[{"name": "A", "valueFrom": secret}])
    assert "AccessDeniedException" in task["stoppedReason"]


def test_the_registrys_credentials_are_read_before_the_task_starts(account: Account, role: str, secret: str) -> None:
    credentials = {"credentialsParameter": secret}
    refused = ended(account, "exit 7", role=role, repositoryCredentials=credentials)
    assert "secretsmanager:GetSecretValue" in refused["stoppedReason"]
    allow(account, role, secretsmanager_GetSecretValue=secret)
    task = ended(account, "exit 7", role=role, repositoryCredentials=credentials)
    assert task["containers"][0]["exitCode"] == 7


def test_secrets_need_a_role_and_names_of_their_own(account: Account, role: str, secret: str) -> None:
    secrets = [{"name": "A", "valueFrom": secret}]
    with pytest.raises(
        account.ecs.exceptions.ClientException, match="you must also specify a value for 'executionRole"
    ):
        account.definition(secrets=secrets)
    with pytest.raises(account.ecs.exceptions.ClientException, match="The secret name must be unique"):
        account.definition(secrets=secrets, environment=[{"name": "A", "value": "1"}], task={"executionRoleArn": role})
