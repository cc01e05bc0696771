"""IAM users for operators: what one may do is what its policies say, and nothing else."""

import json
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Self

from click.testing import CliRunner

from dask_ecs.cli import main
from dask_ecs.plan import names

from .aws_account import AwsAccount

Policy = dict[str, Any]

_ACCOUNT = "123456789012"

# What `dask-ecs iam-policy` takes as `dask-ecs run` does.
_SHARED_OPTIONS = {
    "--install",
    "--allow-ecs-cluster",
    "--allow-log-group",
    "--allow-role",
    "--allow-task-role-policy",
    "--allow-task-definition",
    "--permissions-boundary",
}


class AwsUser:
    """A user of the account with these policies attached, and a key."""

    def __init__(self, account: AwsAccount, name: str, policies: Iterable[Mapping[str, Any]]) -> None:
        self._account = account
        self._name = f"{name}-{names.short_hash(name, account.aws.url)}"
        account.iam.create_user(UserName=self._name)
        self.allow(*policies)
        key = account.iam.create_access_key(UserName=self._name)["AccessKey"]
        self.environment = {
            **account.aws.environment,
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        }
        self.access_key = key["AccessKeyId"]

    @classmethod
    def with_policy_for(cls, account: AwsAccount, *options: str, regions: Sequence[str] = ()) -> Self:
        """Make a user that may do exactly what `dask-ecs iam-policy` prints for an operator with these options."""
        scope = ["--account", _ACCOUNT]
        for region in regions or (account.aws.region,):
            scope += ["--region", region]
        policies = printed_policies(*scope, *_options_of_the_policy(options, region=account.aws.region))
        return cls(account, f"operator-{uuid.uuid4().hex[:8]}", policies)

    def allow(self, *policies: Mapping[str, Any]) -> None:
        """Attach further policies."""
        for policy in policies:
            document = json.dumps(policy)
            name = names.short_hash(self._name, document)
            arn = self._account.iam.create_policy(PolicyName=name, PolicyDocument=document)["Policy"]["Arn"]
            self._account.iam.attach_user_policy(UserName=self._name, PolicyArn=arn)

    def refusals(self) -> list[tuple[str, str]]:
        """Return the operations that were refused to this user, with AWS's words."""
        return [
            (denial["operation"], denial["message"])
            for denial in self._account.aws.denials()
            if denial["caller"] == self.access_key
        ]


def printed_policies(*arguments: str) -> list[Policy]:
    """Return what `dask-ecs iam-policy` prints."""
    result = CliRunner().invoke(main, ["iam-policy", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return list(json.loads("[" + re.sub(r"^\}\n\{", "},{", result.stdout, flags=re.MULTILINE) + "]"))


def _options_of_the_policy(options: Sequence[str], *, region: str) -> Iterator[str]:
    for option, value in pairwise(options):
        if option in _SHARED_OPTIONS:
            yield from (option, value)
        elif option == "--events-queue":
            yield from (option, f"arn:aws:sqs:{region}:{_ACCOUNT}:{value.rpartition('/')[2]}")
