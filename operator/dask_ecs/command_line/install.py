"""The name that keeps two operators of one AWS account apart, as commands take it."""

import re
from typing import Any

import click

from dask_ecs.plan import names


class _Install(click.ParamType[str]):
    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        # A dash parts it from the namespace in names: with `prod-eu`, `prod` would take the other's things for its own.
        if not re.fullmatch(f"[A-Za-z0-9]{{0,{names.LONGEST_INSTALL}}}", value):
            self.fail(
                f"{value!r} is not of at most {names.LONGEST_INSTALL} letters and digits, without dashes: write prodeu "
                "for prod-eu.",
                param,
                ctx,
            )
        return str(value)


INSTALL = _Install()
