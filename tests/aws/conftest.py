"""The operator's own way to AWS, on a local AWS."""

from collections.abc import AsyncIterator, Iterator

import pytest

from dask_ecs.aws.session import Aws, Sessions
from dask_ecs.local.aws.handle import LocalAWS


@pytest.fixture(scope="package")
def local_aws() -> Iterator[LocalAWS]:
    with LocalAWS.start(executor="sim", delays={"role_assumable": 0.0}) as local_aws:
        yield local_aws


@pytest.fixture
async def sessions(local_aws: LocalAWS, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sessions]:
    for name, value in local_aws.environment.items():
        monkeypatch.setenv(name, value)
    async with Sessions() as sessions:
        yield sessions
    local_aws.clear_faults()


@pytest.fixture
def aws(sessions: Sessions) -> Aws:
    return sessions.region("eu-west-1")
