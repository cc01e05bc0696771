"""An IAM user for the operator: what it may do is what its policies say, and nothing else."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from dask_ecs.plan import names

from .aws_account import AwsAccount


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

    def allow(self, *policies: Mapping[str, Any]) -> None:
        """Attach further policies."""
        for policy in policies:
            document = json.dumps(policy)
            name = names.short_hash(self._name, document)
            arn = self._account.iam.create_policy(PolicyName=name, PolicyDocument=document)["Policy"]["Arn"]
            self._account.iam.attach_user_policy(UserName=self._name, PolicyArn=arn)

    def refusals(self) -> list[tuple[str, str]]:
        """Return the operations that were refused to this user, with their codes."""
        return [
            (call["operation"], call["outcome"])
            for call in self._account.aws.call_log()
            if call["caller"] == self.access_key and call["outcome"] in _REFUSED
        ]


_REFUSED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
