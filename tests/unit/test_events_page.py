import pathlib
import re

from dask_ecs.aws import events

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "events.md"


def test_the_page_lists_exactly_the_permissions_that_setup_takes() -> None:
    block = PAGE.read_text(encoding="utf-8").split("a test compares -->")[1].split("```")[1]
    used = {action for operation in events.OPERATIONS for action in operation.actions}
    assert sorted(re.findall(r"\w+:\w+", block)) == sorted(used)
