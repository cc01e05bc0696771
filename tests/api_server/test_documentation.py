"""The manifests of the documentation are accepted as they stand there."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import User

_ROOT = Path(__file__).parents[2]


def _manifests() -> dict[str, str]:
    found: dict[str, str] = {}
    for page in sorted((_ROOT / "docs").glob("*.md")):
        for block in re.findall(r"^```yaml\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
            for document in yaml.safe_load_all(block):
                if isinstance(document, dict) and document.get("kind") == "DaskCluster":
                    found[f"{page.name}: {document['metadata']['name']}"] = yaml.safe_dump(document)
    return found


MANIFESTS: dict[str, Any] = _manifests()


@pytest.mark.parametrize("manifest", MANIFESTS.values(), ids=MANIFESTS)
def test_a_manifest_of_the_documentation_is_accepted(user: User, manifest: str) -> None:
    namespace = {"namespace": user.namespace}
    body = yaml.safe_load(manifest)
    body["metadata"] |= namespace
    answer = user.types("apply", "--dry-run=server", "--validate=strict", "-f", "-", stdin=yaml.safe_dump(body))
    assert "created (server dry run)" in answer


@pytest.mark.parametrize("manifest", MANIFESTS.values(), ids=MANIFESTS)
def test_workers_with_gpus_have_an_image_by_name_for_the_default_one_is_not_built_any_more(manifest: str) -> None:
    spec = yaml.safe_load(manifest)["spec"]
    worker = spec.get("worker", {})
    assert not worker.get("gpu") or "image" in spec or worker.keys() & {"image", "taskDefinitionArn"}
