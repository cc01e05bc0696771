"""An operator that may do on AWS what its policy says, and is never found to lack anything."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from dask_ecs.local.stack import Stack

from .aws_account import AwsAccount
from .aws_user import AwsUser
from .operator_process import OperatorProcess


@contextmanager
def operator_under_its_policy(
    *options: str,
    stack: Stack,
    log: Path,
    environment: Mapping[str, str] | None = None,
    regions: Sequence[str] = (),
) -> Iterator[OperatorProcess]:
    """Run an operator with the keys of a user that has exactly what `dask-ecs iam-policy` prints for its options.

    `environment` is what else it needs than the stack's, `regions` are those of its clusters: the stack's own, unless
    others are named. At the end nothing may have been refused for want of a permission.
    """
    user = AwsUser.with_policy_for(AwsAccount(stack.aws), *options, regions=regions)
    environment = {**stack.environment, **(environment or {}), **user.environment}
    with OperatorProcess(*options, environment=environment, log=log) as operator:
        operator.wait_until_ready()
        yield operator
    assert user.refusals() == []
