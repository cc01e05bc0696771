"""What the name of an image says of where it is."""

from __future__ import annotations


def parts(image: str) -> tuple[str, str, str]:
    """Return registry, repository and tag or digest, with Docker's defaults."""
    registry, slash, rest = image.partition("/")
    if not slash or not ("." in registry or ":" in registry or registry == "localhost"):
        registry, rest = "docker.io", image if slash else f"library/{image}"
    tagged, _, digest = rest.partition("@")
    name, _, tag = tagged.partition(":")
    return registry, name, digest or tag or "latest"
