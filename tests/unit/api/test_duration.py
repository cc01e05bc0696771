import datetime

import pytest

from dask_ecs.api.duration import parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"), [("5m", 300), ("1h30m", 5400), ("90s", 90), ("0s", 0), ("1h1m1s", 3661), ("8760h", 31536000)]
)
def test_a_duration_is_read_as_go_reads_it(text: str, seconds: int) -> None:
    assert parse_duration(text) == datetime.timedelta(seconds=seconds)
