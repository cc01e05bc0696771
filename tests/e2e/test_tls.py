"""Encrypted clusters: who has the certificate gets in, and nobody else; a renewed one reaches what starts later."""

import datetime
import json

import pytest
from distributed import Client

from dask_ecs.dask.certificates import GIVEN_OUT_FOR, Bundle, issued

from .aws_account import AwsAccount
from .computation import compute_on
from .connecting import binding, connect, security
from .tenant import Tenant, manifest

# How Dask tells a client so depends on who hangs up first.
_TURNED_AWAY = r"(?i)timed out|reset by peer|closed|certificate"


def test_only_who_has_the_certificate_gets_in_and_it_stands_nowhere_in_the_clear(
    tenant: Tenant, account: AwsAccount
) -> None:
    status = tenant.wait_until_ready(tenant.apply(manifest(replicas=2)), workers=2)
    address = status["schedulerAddress"]
    assert address.startswith("tls://")
    compute_on(tenant, "demo")

    told = binding(tenant, "demo")
    other = issued(None, name="other", now=datetime.datetime.now(datetime.UTC))
    strange = {**told, "ca.crt": other.ca, "tls.crt": other.certificate, "tls.key": other.key}
    with pytest.raises(OSError, match=_TURNED_AWAY):
        Client(address.replace("tls://", "tcp://"), timeout="2s", set_as_default=False)
    with pytest.raises(OSError, match=_TURNED_AWAY):
        Client(address, security=security(strange), timeout="2s", set_as_default=False)

    secret = told["tls.key"].split("\n")[1]
    assert secret not in json.dumps(account.aws.call_log("ecs:RegisterTaskDefinition"))
    assert secret not in json.dumps(account.aws.call_log("ecs:RunTask"))
    assert secret not in json.dumps(tenant.get("demo"))
    assert secret not in tenant.operator.said
    stream = f"scheduler/scheduler/{status['schedulerTaskArn'].rsplit('/', 1)[-1]}"
    events = account.logs.get_log_events(logGroupName=status["logGroup"], logStreamName=stream)["events"]
    # Of those who were turned away, and of no health check, worker or operator; but who is in a hurry may hang up.
    complaints = [event["message"] for event in events if "handshake failed" in event["message"]]
    assert [one for one in complaints if "127.0.0.1" not in one and "EOF" not in one and "reset" not in one] == []


def test_a_renewed_certificate_reaches_new_tasks_and_clients_while_running_ones_go_on(
    lone_tenant: Tenant, quiet_account: AwsAccount
) -> None:
    tenant, account = lone_tenant, quiet_account
    name = tenant.apply(manifest(replicas=1))
    before = tenant.wait_until_ready(name, workers=1)
    arn = before["tls"]["secretArn"]
    old = Bundle.read(account.secrets.get_secret_value(SecretId=arn)["SecretString"])
    with connect(tenant, name) as client:
        kept = client.submit(sum, range(10))
        assert kept.result(timeout=60) == 45

        # One of the same CA that was made a month ago: its time has come.
        due = issued(old, name=name, now=datetime.datetime.now(datetime.UTC) - GIVEN_OUT_FOR)
        account.secrets.put_secret_value(SecretId=arn, SecretString=due.text)
        tenant.operator.terminate()
        tenant.operator.restart()
        tenant.scale(name, 2)
        after = tenant.wait_until_ready(name, workers=2)

        new = Bundle.read(account.secrets.get_secret_value(SecretId=arn)["SecretString"])
        assert new.ca == old.ca
        assert new.serial not in (old.serial, due.serial)
        assert after["schedulerTaskArn"] == before["schedulerTaskArn"]
        # A new worker's pins the image to what the first one resolved; its secrets are the same.
        assert after["taskDefinitions"]["scheduler"] == before["taskDefinitions"]["scheduler"]
        secrets = [
            account.ecs.describe_task_definition(taskDefinition=status["taskDefinitions"]["worker"])["taskDefinition"][
                "containerDefinitions"
            ][0]["secrets"]
            for status in (before, after)
        ]
        assert secrets[0] == secrets[1]
        assert binding(tenant, name)["tls.crt"] == new.certificate
        # Both workers, of the old certificate and of the new one, exchange data.
        assert len(client.scheduler_info()["workers"]) == 2
        assert client.submit(sum, [kept, 1], pure=False).result(timeout=60) == 46
    compute_on(tenant, name)
