"""The certificate of a namespace: found in AWS Secrets Manager, made or renewed there."""

import datetime
import logging
from collections.abc import Mapping

from dask_ecs.aws import secrets
from dask_ecs.aws.mended import Tell, nobody
from dask_ecs.aws.session import Aws
from dask_ecs.dask.certificates import Bundle, InvalidBundleError, renewed
from dask_ecs.plan.certificate import Certificate
from dask_ecs.plan.tls import EnsureCertificate

logger = logging.getLogger(__name__)


async def ensure(
    aws: Aws,
    action: EnsureCertificate,
    *,
    own_tags: Mapping[str, str],
    now: datetime.datetime,
    tell: Tell = nobody,
) -> Certificate:
    """Return the certificate that is to be used now.

    Raises:
        NotOursError: there is a secret of that name that is somebody else's.

    """
    name = action.name
    found = None if action.is_new else await secrets.read(aws, name=name)
    if found is None:
        made = renewed(_of(action.last), name=name, now=now)
        if arn := await secrets.create(aws, name=name, text=made.text, tags=action.tags):
            if not action.is_new:
                tell(f"Secret {name} in Secrets Manager was gone; it is made again.")
            return made.kept_in(arn)
        await secrets.check_ours(aws, name=name, own_tags=own_tags)
        found = await secrets.read(aws, name=name)
        if found is None:
            return await ensure(aws, action, own_tags=own_tags, now=now, tell=tell)  # it has just been deleted
    arn, text = found
    before = _read(name, text, tell=tell)
    after = renewed(before, name=name, now=now)
    if after is not before:
        await secrets.replace(aws, name=name, text=after.text)
    return after.kept_in(arn)


def _of(last: Certificate | None) -> Bundle | None:
    if last is None:
        return None
    return Bundle(ca=last.ca, ca_key=last.ca_key, certificate=last.certificate, key=last.key)


def _read(name: str, text: str, *, tell: Tell) -> Bundle | None:
    try:
        return Bundle.read(text)
    except InvalidBundleError as error:
        logger.warning("secret %s holds %s: its clusters get a new CA", name, error)
        tell(f"Secret {name} in Secrets Manager held no certificate; it holds one of a new CA.")
        return None
