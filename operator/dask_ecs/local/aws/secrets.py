"""What ECS reads with a task's execution role before its containers start, from Secrets Manager and Parameter Store."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from moto.core.exceptions import JsonRESTError
from moto.iam.models import iam_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.ssm.models import ssm_backends

from .identity_policy import allows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .moto_server import Moto

_UNABLE = "ResourceInitializationError: unable to pull secrets or registry auth: "


class SecretsError(Exception):
    """A secret can not be read; the text is what ECS gives as the task's stoppedReason."""


class Secrets:
    """The secrets of every account, kept by moto, and who may read them."""

    def __init__(self, moto: Moto) -> None:
        self._moto = moto

    async def environment(
        self, account: str, region: str, *, role: str | None, secrets: Iterable[dict[str, str]]
    ) -> dict[str, str]:
        """Return the variables of a container definition's `secrets`; raise SecretsError."""
        wanted = list(secrets)
        if not wanted:
            return {}
        return await self._moto.run(
            lambda: {
                secret["name"]: _value(account, region, role=role, value_from=secret["valueFrom"]) for secret in wanted
            }
        )

    async def check_registry(self, account: str, region: str, *, role: str | None, arn: str) -> None:
        """Raise SecretsError unless the secret can be read that holds a registry's username and password."""
        text = await self._moto.run(lambda: _value(account, region, role=role, value_from=arn))
        try:
            complete = {"username", "password"} <= json.loads(text).keys()
        except (ValueError, AttributeError):
            complete = False
        if not complete:
            raise SecretsError(
                f"{_UNABLE}execution resource retrieval failed: unable to get registry auth from asm: secret {arn} has"
                " no username and password"
            )


def _value(account: str, region: str, *, role: str | None, value_from: str) -> str:
    if value_from.startswith("arn:") and value_from.split(":")[2] == "secretsmanager":
        return _secret(account, role=role, value_from=value_from)
    return _parameter(account, region, role=role, value_from=value_from)


def _secret(account: str, *, role: str | None, value_from: str) -> str:
    parts = value_from.split(":")
    arn, (key, stage, version) = ":".join(parts[:7]), (*parts[7:], "", "", "")[:3]
    failed = (
        f"{_UNABLE}execution resource retrieval failed: unable to retrieve secret from asm: service call has been"
        f" retried 1 time(s): failed to fetch secret {arn} from secrets manager: "
    )
    backend = secretsmanager_backends[account][parts[3]]
    try:
        found = backend.get_secret_value(arn, version or None, None if version else stage or "AWSCURRENT")
    except JsonRESTError as error:
        # Whoever may not read a secret is not told that there is none.
        _check(account, role, "secretsmanager:GetSecretValue", arn, failed=failed)
        raise SecretsError(f"{failed}{error.error_type}: {error.message}") from None
    _check(account, role, "secretsmanager:GetSecretValue", found["ARN"], failed=failed)
    text = str(found.get("SecretString", ""))
    if not key:
        return text
    try:
        return str(json.loads(text)[key])
    except (ValueError, KeyError, TypeError):
        raise SecretsError(f"{failed}retrieved secret from Secrets Manager did not contain json key {key}") from None


def _parameter(account: str, region: str, *, role: str | None, value_from: str) -> str:
    is_arn = value_from.startswith("arn:")
    home = value_from.split(":")[3] if is_arn else region
    path = value_from.split(":parameter", 1)[1] if is_arn else value_from
    arn = f"arn:aws:ssm:{home}:{account}:parameter/{path.removeprefix('/')}"
    failed = (
        f"{_UNABLE}execution resource retrieval failed: unable to retrieve secrets from ssm: service call has been"
        " retried 1 time(s): "
    )
    _check(account, role, "ssm:GetParameters", arn, failed=failed)
    # A parameter of one level may have its name with the slash or without it.
    names = (path, path.removeprefix("/"))
    found = ssm_backends[account][home].get_parameters(list(names))
    parameter = next((found[name] for name in names if name in found), None)
    if parameter is None:
        raise SecretsError(f"{failed}invalid parameters: {value_from}")
    return str(parameter.response_object(decrypt=True, region=home)["Value"])


def _check(account: str, role: str | None, action: str, resource: str, *, failed: str) -> None:
    """Raise SecretsError unless the execution role's policies, and its boundary, allow this."""
    found = next((each for each in iam_backends[account]["aws"].get_roles() if each.arn == role), None)
    if found is not None:
        documents = [*found.policies.values(), *map(_document, found.managed_policies.values())]
        limits = [documents]
        if boundary := found.permissions_boundary_arn:
            limits.append([_document(iam_backends[account]["aws"].get_policy(boundary))])
        if all(allows(each, action=action, resource=resource, context={}) for each in limits):
            return
    name = (role or "").rsplit("/", 1)[-1]
    raise SecretsError(
        f"{failed}AccessDeniedException: User: arn:aws:sts::{account}:assumed-role/{name} is not authorized to"
        f" perform: {action} on resource: {resource} because no identity-based policy allows the {action} action"
        " status code: 400"
    )


def _document(policy: Any) -> str:
    return next(str(version.document) for version in policy.versions if version.is_default)
