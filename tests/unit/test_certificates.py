"""The CA and the certificate of a namespace: when they are made anew, and that what runs goes on."""

import datetime
import ssl

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature

from dask_ecs.dask.certificates import CA_LIFE, Bundle, InvalidBundleError, renewed

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)


def made(now: datetime.datetime = NOW) -> Bundle:
    return renewed(None, name="dask-abc-team-tls", now=now)


def after(bundle: Bundle, now: datetime.datetime) -> Bundle:
    return renewed(bundle, name="dask-abc-team-tls", now=now)


def believes(one: Bundle, other: Bundle) -> bool:
    """Whether who has `one` takes who has `other` for a member, whatever the time is."""
    authorities = x509.load_pem_x509_certificates(one.ca.encode())
    for authority in authorities:
        try:
            other.leaf.verify_directly_issued_by(authority)
        except InvalidSignature:
            continue
        return True
    return False


def test_a_certificate_is_given_out_for_a_month_and_holds_for_a_year() -> None:
    bundle = made()
    assert bundle.not_after == NOW + 365 * DAY
    assert after(bundle, NOW + 29 * DAY) is bundle
    assert after(bundle, NOW + 30 * DAY) is not bundle


def test_a_renewed_certificate_is_of_the_same_ca() -> None:
    bundle = made()
    following = after(bundle, bundle.renew_at)
    assert following.ca == bundle.ca
    assert following.serial != bundle.serial
    assert believes(bundle, following)
    assert believes(following, bundle)


def test_whoever_has_a_certificate_that_holds_believes_all_others_who_have_one() -> None:
    bundles = [made()]
    while bundles[-1].renew_at < NOW + 2 * CA_LIFE:
        bundles.append(after(bundles[-1], bundles[-1].renew_at))
    for index, bundle in enumerate(bundles):
        for later in bundles[index:]:
            if later.leaf.not_valid_before_utc >= bundle.not_after:
                break
            assert believes(bundle, later)
            assert believes(later, bundle)
    assert len({bundle.ca for bundle in bundles}) > 4


def test_a_bundle_whose_ca_has_ended_is_begun_anew() -> None:
    bundle = made()
    following = after(bundle, NOW + CA_LIFE + DAY)
    assert not believes(bundle, following)
    assert following.ca.count("BEGIN") == 1


def test_what_is_written_is_read_again() -> None:
    bundle = after(made(), NOW + CA_LIFE * 0.7)
    assert bundle.ca.count("BEGIN") == 2
    assert Bundle.read(bundle.text) == bundle


def test_what_is_no_bundle_is_told_so() -> None:
    bundle, other = made(), made()
    mixed = Bundle(ca=bundle.ca, ca_key=bundle.ca_key, certificate=other.certificate, key=other.key)
    stolen = Bundle(ca=bundle.ca, ca_key=bundle.ca_key, certificate=bundle.certificate, key=other.key)
    false = Bundle(ca=bundle.ca, ca_key=other.ca_key, certificate=bundle.certificate, key=bundle.key)
    for text in ("", "[]", "{}", '{"ca.crt": ""}', mixed.text, stolen.text, false.text):
        with pytest.raises(InvalidBundleError):
            Bundle.read(text)


def test_a_members_keys_are_in_no_text_that_is_logged() -> None:
    assert "PRIVATE" not in repr(made())


def test_openssl_takes_it_for_what_it_is() -> None:
    bundle = made(datetime.datetime.now(datetime.UTC))
    context = ssl.create_default_context(cadata=bundle.ca)
    assert context.cert_store_stats() == {"x509": 1, "crl": 0, "x509_ca": 1}
