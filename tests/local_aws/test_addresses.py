"""Which addresses tasks get."""

from __future__ import annotations

import pytest

from dask_ecs.local.aws.addresses import AddressPool, NoAddressError


def test_the_addresses_that_aws_keeps_are_not_given_out() -> None:
    pool = AddressPool("127.79.0.0/28")
    taken = [pool.take(rest=60.0) for _ in range(11)]
    assert (taken[0], taken[-1]) == ("127.79.0.4", "127.79.0.14")
    with pytest.raises(NoAddressError):
        pool.take(rest=60.0)


def test_a_freed_address_rests_before_it_is_given_out_again() -> None:
    pool = AddressPool("127.79.1.0/28")
    taken = [pool.take(rest=60.0) for _ in range(11)]
    pool.free(taken[3])
    with pytest.raises(NoAddressError):
        pool.take(rest=60.0)
    assert pool.take(rest=0.0) == taken[3]


def test_two_pools_share_a_subnet_without_sharing_an_address() -> None:
    first, second = AddressPool("127.79.2.0/24"), AddressPool("127.79.2.0/24")
    taken = {pool.take(rest=60.0) for _ in range(50) for pool in (first, second)}
    assert len(taken) == 100
