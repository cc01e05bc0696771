import pathlib
import re

from dask_ecs.aws import operations

README = pathlib.Path(__file__).parents[2] / "README.md"


def test_the_readme_lists_exactly_the_permissions_that_are_used() -> None:
    block = README.read_text(encoding="utf-8").split("a test compares -->")[1].split("```")[1]
    assert tuple(sorted(re.findall(r"\w+:\w+", block))) == operations.actions()


def test_the_readmes_manifest_is_the_example() -> None:
    (manifest,) = re.findall(r"```yaml\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    example = (README.parent / "examples" / "fargate.yaml").read_text(encoding="utf-8")
    assert manifest == re.sub(r"^#.*\n", "", example, flags=re.MULTILINE)
