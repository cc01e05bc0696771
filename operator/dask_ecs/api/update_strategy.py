"""How an edit comes to the workers that run already."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from dask_ecs.api.model import Model
from dask_ecs.api.rules import Rule

UpdateStrategyType = Literal["RollingUpdate", "Recreate", "OnDelete"]

_SHARE = "^([0-9]{1,5}|(100|[0-9]{1,2})%)$"
_NONE = "^0+%?$"

Share = Annotated[
    str,
    BeforeValidator(lambda value: str(value) if isinstance(value, int) and not isinstance(value, bool) else value),
    Field(max_length=8),
    WithJsonSchema({"x-kubernetes-int-or-string": True, "maxLength": 8}),
    Rule(
        cel=f"string(self).matches('{_SHARE}')",
        holds=lambda text: re.match(_SHARE, text) is not None,
        message='neither a number of workers nor a share of them: write 2 or "25%"',
    ),
]


def _something_moves(strategy: UpdateStrategy) -> bool:
    return not (re.match(_NONE, strategy.max_surge) and re.match(_NONE, strategy.max_unavailable))


class UpdateStrategy(Model):
    """How an edit comes to the tasks that run already."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel=f"!(string(self.maxSurge).matches('{_NONE}') && string(self.maxUnavailable).matches('{_NONE}'))",
            holds=_something_moves,
            message="with neither more workers nor fewer than wanted none can be replaced: "
            "give maxSurge or maxUnavailable another value than 0",
            field=".maxSurge",
        ),
    )

    type: UpdateStrategyType = "RollingUpdate"
    """RollingUpdate: workers are replaced in steps, their results moved; the scheduler is not. Recreate: all that runs
    an older spec is stopped, then started; another scheduler restarts the whole cluster. OnDelete: tasks run on until
    they end."""

    max_surge: Share = "25%"
    """RollingUpdate: how many workers there may be beyond those wanted, as 2 or 25% (rounded up)."""

    max_unavailable: Share = "0"
    """RollingUpdate: how many of the wanted workers may be missing, as 2 or 25% (rounded down)."""

    def surge(self, desired: int) -> int:
        """Return how many workers there may be beyond those desired."""
        return -(-_hundredths(self.max_surge, desired) // 100)

    def unavailable(self, desired: int) -> int:
        """Return how many of the desired workers may be missing; where both bounds come to 0, one."""
        return _hundredths(self.max_unavailable, desired) // 100 or int(not self.surge(desired))


def _hundredths(share: str, desired: int) -> int:
    return int(share[:-1]) * desired if share.endswith("%") else int(share) * 100
