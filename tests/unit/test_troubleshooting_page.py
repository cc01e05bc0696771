"""docs/troubleshooting.md says of each cause what the operator says."""

import re
from pathlib import Path

from dask_ecs.plan import causes
from dask_ecs.plan.causes import processes

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "troubleshooting.md"
PACKAGE = ROOT / "operator" / "dask_ecs"


def test_the_page_lists_exactly_the_known_causes_with_their_fixes() -> None:
    tables = {headline: [(cause.reason, cause.fix) for cause in rows] for headline, rows in causes.AWS.items()}
    tables["The end of a log"] = [(cause.reason, cause.fix) for cause in processes.LOGS]
    found: dict[str, list[tuple[str, str]]] = {}
    for section in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
        headline = section.split("\n", 1)[0]
        if rows := re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.MULTILINE):
            found[headline] = rows
    codes = found.pop("Exit codes")
    assert found == tables
    assert dict(codes) == dict(processes.EXIT_CODES.values())


def test_each_exit_code_is_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"{code}: `{reason}`" in text for code, (reason, _) in processes.EXIT_CODES.items())


def test_what_the_operator_refuses_is_on_the_page() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    refusals = set(re.findall(r'NeedsUser\(\s*"(\w+)"', code)) | set(re.findall(r'reason="(\w+NotAllowed)"', code))
    assert len(refusals) > 15
    text = PAGE.read_text(encoding="utf-8")
    assert {reason for reason in refusals if f"`{reason}`" not in text} == set()
