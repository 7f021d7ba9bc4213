"""Certificates for the tests of TLS, made by the `openssl` program: good ones and bad ones."""

import ssl
import subprocess
from pathlib import Path

from tests.raw_receivers import HOST

_AUTHORITY = """
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid:always
basicConstraints=critical,CA:true
keyUsage=critical,keyCertSign,cRLSign
"""
_LEAF = """
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid:always
basicConstraints=critical,CA:false
subjectAltName={subject}
"""


class Certificates:
    """An authority of our own in a folder, and what it signs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.authority = folder / "authority.pem"
        self._self_signed("authority", _AUTHORITY)

    def good(self) -> ssl.SSLContext:
        return self._signed("good", f"IP:{HOST}")

    def expired(self) -> ssl.SSLContext:
        return self._signed("expired", f"IP:{HOST}", days=-1)

    def of_another_host(self) -> ssl.SSLContext:
        return self._signed("another", "DNS:receiver.example")

    def self_signed(self) -> ssl.SSLContext:
        self._self_signed("self", _LEAF.format(subject=f"IP:{HOST}"))
        return self._context("self")

    def _self_signed(self, name: str, extensions: str) -> None:
        self._request(name)
        self._sign(name, extensions, "-signkey", f"{name}.key")

    def _signed(self, name: str, subject: str, *, days: int = 2) -> ssl.SSLContext:
        self._request(name)
        authority = ("-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial")
        self._sign(name, _LEAF.format(subject=subject), *authority, days=days)
        return self._context(name)

    def _request(self, name: str) -> None:
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        self._openssl("req", *curve, "-subj", f"/CN={name}", *_out(name, "csr", key=True))

    def _sign(self, name: str, extensions: str, *signer: str, days: int = 2) -> None:
        (self._folder / f"{name}.ext").write_text(extensions)
        request = ("-in", f"{name}.csr", "-extfile", f"{name}.ext", "-days", str(days))
        self._openssl("x509", "-req", *request, *signer, *_out(name, "pem"))

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self._folder, check=True, capture_output=True)

    def _context(self, name: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        return context


def _out(name: str, kind: str, *, key: bool = False) -> tuple[str, ...]:
    return ("-out", f"{name}.{kind}", *(("-keyout", f"{name}.key") if key else ()))
