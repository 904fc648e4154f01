"""TLS of the operator's port: the certificate that is served, and the one that local clients need to know."""

import ssl
from pathlib import Path


class TlsError(OSError):
    """A certificate and its key cannot be used: both are files in PEM."""


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 and later, with a certificate (its chain after it) and its key. Raises TlsError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # uvicorn speaks nothing else; a client that offers more is told so in the handshake.
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ValueError) as error:
        raise TlsError(f"cannot serve TLS with {certificate} and {key}: {error}") from error
    return context


def signed_by_itself(certificate: Path) -> str | None:
    """The PEM of a certificate that no other vouches for, so that clients have to be told of it; else None."""
    # 12 MB of resident memory, which a Stoker without TLS does without.
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    first = x509.load_pem_x509_certificates(certificate.read_bytes())[0]
    return first.public_bytes(Encoding.PEM).decode("ascii") if first.issuer == first.subject else None
