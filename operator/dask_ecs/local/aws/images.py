"""The image table: which container images this machine can run, and in which environment."""

from __future__ import annotations

import hashlib
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from . import image_name

SYSTEM_PATH: Final = ("/usr/local/bin", "/usr/bin", "/bin")


class Image(BaseModel):
    """One row: every image whose name matches `image` runs in this environment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    image: str = Field(description="glob over the whole image name, tag included")
    path: tuple[str, ...] = Field(default=(), description="folders that come first on PATH")
    environment: dict[str, str] = Field(default_factory=dict, description="the image's own ENV")
    entrypoint: tuple[str, ...] = Field(default=(), description="the image's own ENTRYPOINT")
    command: tuple[str, ...] = Field(default=(), description="the image's own CMD")
    digest: str | None = Field(
        default=None,
        pattern=r"^sha256:[0-9a-f]{64}$",
        description="the manifest's digest; without one each name has its own",
    )


class ImageTable:
    """Rows by glob; of several that match, the one added last wins.

    A row that is replaced is a tag that moves: what was pulled by it once can be pulled by its digest still.
    """

    def __init__(self, rows: list[Image]) -> None:
        self._rows = {row.image: row for row in rows}
        self._pulled: dict[tuple[str, str, str], Image] = {}  # by registry, repository and digest

    def pull(self, image: str) -> tuple[Image, str] | None:
        """Return the row for this image and its digest, None when no registry of this machine has it."""
        registry, repository, tag_or_digest = image_name.parts(image)
        if pulled := self._pulled.get((registry, repository, tag_or_digest)):
            return pulled, tag_or_digest
        row = next((row for row in reversed(self._rows.values()) if fnmatchcase(image, row.image)), None)
        if row is None:
            return None
        digest = row.digest or f"sha256:{hashlib.sha256(image.encode()).hexdigest()}"
        if "@" in image:
            digest = tag_or_digest
        self._pulled[registry, repository, digest] = row
        return row, digest

    def add(self, row: Image) -> None:
        """Add a row, or replace the one with the same glob."""
        self._rows.pop(row.image, None)
        self._rows[row.image] = row

    def remove(self, image: str) -> None:
        """Remove the row with exactly this glob, or the image that was pulled as repository@digest, if it is there."""
        self._rows.pop(image, None)
        self._pulled.pop(image_name.parts(image), None)

    def rows(self) -> list[Image]:
        """Return all rows, in the order in which they were added."""
        return list(self._rows.values())


def default_rows(stand_ins: Path | None) -> list[Image]:
    """Dask's and RAPIDS' images by this Python's own environment, and a shell for experiments.

    `stand_ins` is a folder with a `dask-cuda-worker` to use where RAPIDS is not installed; None where nothing is run.
    """
    here = str(Path(sys.executable).parent)
    dask = (here, *SYSTEM_PATH)
    cuda = (str(stand_ins), *dask) if stand_ins else dask
    shell = ("/bin/sh",)
    return [
        *(Image(image=name, path=dask) for name in ("ghcr.io/dask/dask:*", "ghcr.io/dask/dask", "daskdev/dask:*")),
        Image(image="daskdev/dask", path=dask),
        *(Image(image=name, path=cuda) for name in ("rapidsai/*", "nvcr.io/nvidia/rapidsai/*")),
        *(Image(image=name, path=SYSTEM_PATH, command=shell) for name in ("busybox", "busybox:*")),
    ]


def read_table(file: Path) -> list[Image]:
    """Read rows from a JSON file, a list of objects with Image's fields; raise pydantic.ValidationError."""
    return TypeAdapter(list[Image]).validate_json(file.read_bytes())
