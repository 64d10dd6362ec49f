"""Certificates of a CA of our own: the CA's, and the broker's that follows from it. No file is touched here.

The CA is for development and for closed networks; who has a certificate of another CA names it in the settings.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_LASTS: Final = timedelta(days=3650)
"""A device in the field gets a new CA only by hand: ten years are longer than most devices last."""
CERTIFICATE_LASTS: Final = timedelta(days=397)
"""What a public CA might give for years (CA/Browser Forum, ballot SC31): no library refuses it as too long."""
RENEWED_BEFORE: Final = timedelta(days=60)
"""Made anew so long before its end: a house that is started or looks at it once a month never shows an old one."""
BACKDATED: Final = timedelta(days=1)
"""A device whose clock is some hours behind connects all the same."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate (and what it follows from) with its private key, both in PEM."""

    certificate: bytes
    key: bytes

    def __repr__(self) -> str:
        return "KeyPair(...)"  # a key is in no log line

    @property
    def begins(self) -> datetime:
        """When the certificate begins to hold."""
        return x509.load_pem_x509_certificate(self.certificate).not_valid_before_utc

    @property
    def ends(self) -> datetime:
        """When the certificate ends."""
        return x509.load_pem_x509_certificate(self.certificate).not_valid_after_utc

    @property
    def fits(self) -> bool:
        """Whether the key is the certificate's.

        Raises:
            ValueError, TypeError: one of them is no PEM, or the key needs a password.
        """
        certified = x509.load_pem_x509_certificate(self.certificate).public_key()
        own = load_pem_private_key(self.key, None).public_key()
        one, other = (each.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) for each in (certified, own))
        return one == other


def make_ca(now: datetime) -> KeyPair:
    """A new CA. Its name is its own: those of two houses may stand side by side in one device."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _named(f"Andaman broker CA {x509.random_serial_number():040x}")
    builder = _begun(name, name, key.public_key(), key.public_key(), now, now + CA_LASTS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(ca=True), critical=True)
    return _pair(builder.sign(key, hashes.SHA256()), key)


def make_certificate(ca: KeyPair, hosts: tuple[str, ...], now: datetime) -> KeyPair:
    """A certificate for a server with these names and addresses. It ends before its CA does."""
    root, root_key = x509.load_pem_x509_certificate(ca.certificate), load_pem_private_key(ca.key, None)
    assert isinstance(root_key, ec.EllipticCurvePrivateKey), "make_ca made it"
    key = ec.generate_private_key(ec.SECP256R1())
    ends = min(now + CERTIFICATE_LASTS, root.not_valid_after_utc)
    builder = _begun(_named("Andaman broker"), root.subject, key.public_key(), root_key.public_key(), now, ends)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(ca=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    builder = builder.add_extension(_alternative(hosts), critical=False)
    return _pair(builder.sign(root_key, hashes.SHA256()), key)


def is_good(pair: KeyPair, ca: KeyPair, hosts: tuple[str, ...], now: datetime) -> bool:
    """Whether a certificate is of this CA, for these hosts, and not to be renewed yet."""
    leaf, root = (x509.load_pem_x509_certificate(each.certificate) for each in (pair, ca))
    if not leaf.not_valid_before_utc <= now < leaf.not_valid_after_utc - RENEWED_BEFORE:
        return False
    try:
        leaf.verify_directly_issued_by(root)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value == _alternative(hosts)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _begun(
    name: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    issuing: ec.EllipticCurvePublicKey,
    now: datetime,
    ends: datetime,
) -> x509.CertificateBuilder:
    """What both kinds have. A strict verifier asks for the two key identifiers (RFC 5280, 4.2.1.1 and 4.2.1.2)."""
    return (
        x509.CertificateBuilder(issuer, name, public, x509.random_serial_number(), now - BACKDATED, ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuing), critical=False)
    )


def _usage(ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=ca, crl_sign=ca, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _alternative(hosts: tuple[str, ...]) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([_general_name(host) for host in dict.fromkeys(hosts)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> KeyPair:
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return KeyPair(certificate.public_bytes(Encoding.PEM), secret)
