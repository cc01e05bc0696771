"""One local AWS for most tests; each test makes a cluster and definitions of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dask_ecs.local.aws.handle import LocalAWS

from .account import Account

if TYPE_CHECKING:
    from collections.abc import Iterator

QUICK = {
    "provisioning": 0.1,
    "pending": 0.1,
    "deprovisioning": 0.05,
    "role_assumable": 1.0,
    "instance_registration": 0.2,
}


@pytest.fixture(scope="session")
def account() -> Iterator[Account]:
    """A local AWS that runs processes."""
    with LocalAWS.start(delays=QUICK) as aws:
        yield Account(aws)


@pytest.fixture
def delays(account: Account) -> Iterator[LocalAWS]:
    """Lets a test change delays; they are as before after it."""
    before = account.aws.delays()
    yield account.aws
    account.aws.delays(**before)


@pytest.fixture(scope="session")
def assumable_role(account: Account) -> str:
    """A role that trusts ECS' tasks and is old enough."""
    arn = account.role()
    probe = account.cluster()
    definition = account.definition("true", task={"executionRoleArn": arn})

    def accepted() -> bool:
        try:
            account.run(probe, definition)
        except account.ecs.exceptions.ClientException:
            return False
        return True

    account.wait(accepted)
    return arn
