"""What a platform team may set for all clusters."""

import click
import pytest

from dask_ecs.command_line.run import command


def ranges(*given: str) -> tuple[str, ...]:
    arguments = [argument for each in given for argument in ("--operator-cidr", each)]
    found: tuple[str, ...] = command.make_context("run", arguments).params["operator_cidrs"]
    return found


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("10.20.1.7/16", "bits set beyond its prefix: write 10.20.0.0/16, or 10.20.1.7/32 for one address"),
        ("fd00::7/8", "bits set beyond its prefix: write fd00::/8, or fd00::7/128 for one address"),
        ("10.0.0.1/99", "not a range of IP addresses: write it as 10.0.0.0/16, or 10.0.1.7/32 for one address"),
        ("10.0.0.1", "not a range of IP addresses"),
        ("", "not a range of IP addresses"),
    ],
)
def test_a_range_of_which_ec2_would_make_another_is_refused_at_the_start(given: str, says: str) -> None:
    with pytest.raises(click.BadParameter) as refusal:
        ranges(given)
    assert says in refusal.value.message


def test_a_range_is_written_as_ec2_writes_it() -> None:
    assert ranges("10.20.0.0/16", "FD00:0:0::/8", "10.1.0.0/255.255.0.0") == (
        "10.20.0.0/16",
        "fd00::/8",
        "10.1.0.0/16",
    )


@pytest.mark.parametrize("given", ["1ms", "999ms", "0.5s"])
def test_what_is_on_aws_is_not_looked_at_without_end(given: str) -> None:
    with pytest.raises(click.BadParameter, match=f"{given} is too often: write 1s or more, as 10m, or 0s for never"):
        command.make_context("run", ["--resync", given])


@pytest.mark.parametrize(("given", "seconds"), [("0s", 0.0), ("1s", 1.0), ("1.5h", 5400.0)])
def test_it_is_looked_at_as_often_as_is_said(given: str, seconds: float) -> None:
    assert command.make_context("run", ["--resync", given]).params["resync"] == seconds
