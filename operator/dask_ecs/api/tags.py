"""AWS tags, as a user gives them."""

from typing import Annotated

from pydantic import Field

from dask_ecs.api.spec_rules import TAG_KEYS_ARE_FREE, TAG_KEYS_ARE_SHORT, TAG_TEXTS_ARE_PLAIN

# ECS API reference, Tag: 50 tags a resource, of which the operator needs a few; values of 256 characters.
Tags = Annotated[
    dict[str, Annotated[str, Field(max_length=256)]],
    Field(max_length=45),
    TAG_KEYS_ARE_SHORT,
    TAG_KEYS_ARE_FREE,
    TAG_TEXTS_ARE_PLAIN,
]
