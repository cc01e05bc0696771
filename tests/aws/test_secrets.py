"""The certificate in Secrets Manager, as the operator finds, makes and renews it there."""

import datetime
import json
import uuid

import pytest

from dask_ecs.aws import operations, secrets
from dask_ecs.aws.errors import AwsError, Kind, NotOursError
from dask_ecs.aws.session import Aws
from dask_ecs.controllers import certificates
from dask_ecs.local.aws.handle import LocalAWS
from dask_ecs.plan.certificate import Certificate
from dask_ecs.plan.tls import EnsureCertificate

OWN = {"ecs.dask.org/namespace": "team"}
NOW = datetime.datetime.now(datetime.UTC)


@pytest.fixture
def name() -> str:
    return f"dask-abc-{uuid.uuid4().hex[:8]}-tls"


async def ensure(aws: Aws, name: str, *, is_new: bool = False, now: datetime.datetime = NOW) -> Certificate:
    action = EnsureCertificate(name=name, tags=OWN, is_new=is_new)
    return await certificates.ensure(aws, action, own_tags=OWN, now=now)


async def test_a_new_certificate_costs_one_call_and_a_known_one_one_more(
    aws: Aws, local_aws: LocalAWS, name: str
) -> None:
    local_aws.reset_calls()
    made = await ensure(aws, name, is_new=True)
    assert local_aws.calls() == {"secretsmanager:CreateSecret": 1}
    assert await ensure(aws, name) == made
    assert local_aws.calls() == {"secretsmanager:CreateSecret": 1, "secretsmanager:GetSecretValue": 1}


async def test_a_certificate_that_is_there_although_nobody_knew_is_used(aws: Aws, name: str) -> None:
    assert await ensure(aws, name, is_new=True) == await ensure(aws, name, is_new=True)


async def test_a_certificate_that_is_not_there_although_it_was_is_made(aws: Aws, name: str) -> None:
    made = await ensure(aws, name)
    assert (await ensure(aws, name)) == made


async def test_a_certificate_whose_time_has_come_is_renewed_in_the_same_secret(aws: Aws, name: str) -> None:
    before = await ensure(aws, name, now=NOW - datetime.timedelta(days=31))
    after = await ensure(aws, name)
    assert after.secret_arn == before.secret_arn
    assert after.ca == before.ca
    assert after.serial != before.serial
    assert await ensure(aws, name) == after
    found = await aws.call(operations.GET_SECRET_VALUE, SecretId=before.secret_arn)
    assert json.loads(found["SecretString"])["tls.crt"] == after.certificate


async def test_a_secret_that_somebody_has_deleted_is_made_again_as_it_was(aws: Aws, name: str) -> None:
    before = await ensure(aws, name)
    await secrets.delete(aws, name=name, own_tags=OWN)
    action = EnsureCertificate(name=name, tags=OWN, is_new=False, last=before)
    told: list[str] = []
    after = await certificates.ensure(aws, action, own_tags=OWN, now=NOW, tell=told.append)
    assert told == [f"Secret {name} in Secrets Manager was gone; it is made again."]
    assert (after.serial, after.ca, after.ca_key) == (before.serial, before.ca, before.ca_key)
    assert await ensure(aws, name) == after


async def test_what_somebody_has_spoilt_is_made_anew(aws: Aws, name: str) -> None:
    before = await ensure(aws, name)
    await secrets.replace(aws, name=name, text="spoilt")
    assert (await ensure(aws, name)).ca != before.ca


async def test_a_secret_of_somebody_else_is_neither_used_nor_deleted(aws: Aws, name: str) -> None:
    await aws.call(operations.CREATE_SECRET, Name=name, SecretString="theirs")
    with pytest.raises(NotOursError, match=name):
        await ensure(aws, name, is_new=True)
    with pytest.raises(NotOursError, match=name):
        await secrets.delete(aws, name=name, own_tags=OWN)
    assert (await aws.call(operations.GET_SECRET_VALUE, SecretId=name))["SecretString"] == "theirs"


async def test_a_secret_goes_for_good_and_going_twice_is_fine(aws: Aws, name: str) -> None:
    made = await ensure(aws, name)
    await secrets.delete(aws, name=name, own_tags=OWN)
    await secrets.delete(aws, name=name, own_tags=OWN)
    with pytest.raises(AwsError) as raised:
        await aws.call(operations.GET_SECRET_VALUE, SecretId=made.secret_arn)
    assert raised.value.kind is Kind.GONE
    assert (await ensure(aws, name, is_new=True)).ca != made.ca
