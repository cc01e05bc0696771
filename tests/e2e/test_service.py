"""A Service leads to the scheduler, wherever that is."""

from pathlib import Path

from .own_network import run_tests


def test_a_service_follows_the_scheduler_and_goes_with_its_cluster() -> None:
    assert "2 passed" in run_tests(Path(__file__).with_name("service_in_own_network.py"), within=180)
