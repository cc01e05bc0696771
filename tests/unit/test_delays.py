from dask_ecs.local.aws.delays import profile


def test_the_profile_like_fargate_has_an_address_after_eight_seconds_and_the_image_after_twenty_more() -> None:
    delays = profile("fargate-like")
    assert (delays.provisioning, delays.pending) == (8.0, 20.0)
