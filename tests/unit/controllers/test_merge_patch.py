from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dask_ecs.controllers.objects import merge_patch

# A merge patch can not say null, so a status holds none.
VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(), st.text(max_size=3), st.lists(st.integers(), max_size=2)),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
)
OBJECTS = st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=4)


def applied(old: Any, patch: dict[str, Any]) -> dict[str, Any]:
    """RFC 7396, section 2."""
    new = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            new.pop(key, None)
        else:
            new[key] = applied(new.get(key), value) if isinstance(value, dict) else value
    return new


@given(old=OBJECTS, new=OBJECTS)
def test_the_patch_makes_the_new_of_the_old(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert applied(old, merge_patch(old, new)) == new


@given(same=OBJECTS)
def test_nothing_is_sent_for_what_is_the_same(same: dict[str, Any]) -> None:
    assert merge_patch(same, same) == {}
