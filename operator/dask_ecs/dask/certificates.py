"""The CA and the certificate of a namespace: made, read and renewed; no I/O, no clock.

A task keeps the certificate that it was started with, so one is given out for a month only and holds for a year: every
task can run for eleven months. A CA is followed long before its end by another one, which is trusted from then on and
signs only once the older CA would not outlive what it signs: whoever still has a certificate that holds trusts both.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
from typing import Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from dask_ecs.plan import certificate as keys

CERTIFICATE_LIFE = datetime.timedelta(days=365)
GIVEN_OUT_FOR = datetime.timedelta(days=30)
CA_LIFE = datetime.timedelta(days=3650)

# Clocks differ: what is made now is to hold where it is still a moment ago.
_SKEW = datetime.timedelta(hours=1)


class InvalidBundleError(ValueError):
    """A text that is no bundle, or whose parts do not belong together."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bundle:
    """CAs, oldest first, their keys in the same order, and the certificate that one of them has signed. All PEM."""

    ca: str
    ca_key: str = dataclasses.field(repr=False)
    certificate: str
    key: str = dataclasses.field(repr=False)

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what `text` has written.

        Raises:
            InvalidBundleError: it is something else.

        """
        try:
            parts = json.loads(text)
            found = cls(
                ca=parts[keys.CA], ca_key=parts[keys.CA_KEY], certificate=parts[keys.CERTIFICATE], key=parts[keys.KEY]
            )
            found._check()
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidBundleError(f"no CA and certificate that belong together: {error}") from error
        return found

    @property
    def text(self) -> str:
        """All of it, as a secret keeps it."""
        parts = {keys.CA: self.ca, keys.CA_KEY: self.ca_key, keys.CERTIFICATE: self.certificate, keys.KEY: self.key}
        return json.dumps(parts, sort_keys=True)

    def kept_in(self, secret_arn: str) -> keys.Certificate:
        """Return what plans are told of it, and of the secret that keeps it."""
        return keys.Certificate(
            secret_arn=secret_arn,
            serial=self.serial,
            ca=self.ca,
            certificate=self.certificate,
            key=self.key,
            ca_key=self.ca_key,
            not_after=self.not_after,
            renew_at=self.renew_at,
        )

    @property
    def leaf(self) -> x509.Certificate:
        """The certificate."""
        return x509.load_pem_x509_certificate(self.certificate.encode())

    @property
    def serial(self) -> str:
        """The certificate's serial number, in hexadecimal digits."""
        return f"{self.leaf.serial_number:x}"

    @property
    def not_after(self) -> datetime.datetime:
        """When the certificate ends."""
        return self.leaf.not_valid_after_utc

    @property
    def renew_at(self) -> datetime.datetime:
        """When another one is to be given out."""
        return self.not_after - CERTIFICATE_LIFE + GIVEN_OUT_FOR

    def _check(self) -> None:
        authorities = self._authorities()
        key = serialization.load_pem_private_key(self.key.encode(), password=None)
        if key.public_key() != self.leaf.public_key():
            raise ValueError("the key is another certificate's")
        if not any(_has_signed(authority, self.leaf) for authority in authorities):
            raise ValueError("none of the CAs has signed the certificate")

    def _authorities(self) -> list[_Authority]:
        certificates = x509.load_pem_x509_certificates(self.ca.encode())
        keys = [key + _END for key in self.ca_key.split(_END) if key.strip()]
        if len(certificates) != len(keys):
            raise ValueError("there are not as many keys as CAs")
        return [_Authority.read(certificate, key) for certificate, key in zip(certificates, keys, strict=True)]


def renewed(before: Bundle | None, *, name: str, now: datetime.datetime) -> Bundle:
    """Return the bundle that is to be used from now on: `before` itself, as long as its time has not come.

    `name` is for people who look at a certificate.
    """
    return before if before and now < before.renew_at else issued(before, name=name, now=now)


def issued(before: Bundle | None, *, name: str, now: datetime.datetime) -> Bundle:
    """Return a bundle with another certificate, of the same CA as long as that may be."""
    known = before._authorities() if before else []
    authorities = [one for one in known if one.certificate.not_valid_after_utc > now]
    if not authorities or _successor_at(authorities[-1].certificate) <= now:
        authorities.append(_Authority.make(name=name, now=now))
    until = now + CERTIFICATE_LIFE
    signing = next(one for one in authorities if one.certificate.not_valid_after_utc >= until)
    key = ec.generate_private_key(ec.SECP256R1())
    return Bundle(
        ca="".join(_pem(one.certificate) for one in authorities),
        ca_key="".join(_private_pem(one.key) for one in authorities),
        certificate=_pem(signing.sign(key.public_key(), name=name, now=now, until=until)),
        key=_private_pem(key),
    )


_END = "-----END PRIVATE KEY-----\n"


@dataclasses.dataclass(frozen=True)
class _Authority:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def read(cls, certificate: x509.Certificate, key: str) -> Self:
        found = serialization.load_pem_private_key(key.encode(), password=None)
        if not isinstance(found, ec.EllipticCurvePrivateKey) or found.public_key() != certificate.public_key():
            raise ValueError("a CA's key is another's")
        return cls(certificate, found)

    @classmethod
    def make(cls, *, name: str, now: datetime.datetime) -> Self:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(f"{name} CA")
        unsigned = (
            _unsigned(subject, issuer=subject, public_key=key.public_key(), now=now, until=now + CA_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        return cls(unsigned.sign(key, hashes.SHA256()), key)

    def sign(
        self, public_key: ec.EllipticCurvePublicKey, *, name: str, now: datetime.datetime, until: datetime.datetime
    ) -> x509.Certificate:
        """Return a certificate for one who connects and is connected to."""
        purposes = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        unsigned = (
            _unsigned(_name(name), issuer=self.certificate.subject, public_key=public_key, now=now, until=until)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(issuer, critical=False)
        )
        return unsigned.sign(self.key, hashes.SHA256())


def _has_signed(authority: _Authority, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority.certificate)
    except (InvalidSignature, ValueError, TypeError):  # the signature, the names, the kind of key
        return False
    return True


def _successor_at(ca: x509.Certificate) -> datetime.datetime:
    """Return when the next CA is to be made: who is given it has at least a certificate's life until it signs."""
    return ca.not_valid_after_utc - CA_LIFE / 3


def _unsigned(
    subject: x509.Name,
    *,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    now: datetime.datetime,
    until: datetime.datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(until)
    )


def _name(common_name: str) -> x509.Name:
    # RFC 5280, "Upper Bounds": a common name has 64 characters at most.
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[-64:])])


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _private_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
