"""A certificate authority for tests, in plain Python: no tool of the machine's and no key that is kept anywhere.

The keys are real RSA keys of 2048 bits, made anew for each test session; nothing else should ever trust them.
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
import ssl
from base64 import encodebytes
from dataclasses import dataclass
from math import gcd
from pathlib import Path

_E = 65537
_SHA256_WITH_RSA = bytes.fromhex("300d06092a864886f70d01010b0500")
_RSA = bytes.fromhex("300d06092a864886f70d0101010500")
_SHA256_PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")
_SMALL = [p for p in range(3, 2000, 2) if all(p % d for d in range(3, int(p**0.5) + 1, 2))]


def _der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    size = len(body)
    if size < 128:
        return bytes([tag, size]) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 128 + len(length)]) + length + body


def _integer(value: int) -> bytes:
    return _der(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _sequence(*parts: bytes) -> bytes:
    return _der(0x30, *parts)


def _name(common: str) -> bytes:
    return _sequence(_der(0x31, _sequence(bytes.fromhex("0603550403"), _der(0x0C, common.encode()))))


def _extension(oid: str, value: bytes, *, critical: bool = False) -> bytes:
    return _sequence(bytes.fromhex(oid), b"\x01\x01\xff" if critical else b"", _der(4, value))


def _is_prime(number: int) -> bool:
    if any(number % p == 0 for p in _SMALL):
        return False
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(8):
        x = pow(secrets.randbelow(number - 3) + 2, odd, number)
        if x in (1, number - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % number
            if x == number - 1:
                break
        else:
            return False
    return True


def _prime() -> int:
    while True:
        candidate = secrets.randbits(1024) | (3 << 1022) | 1
        if gcd(candidate - 1, _E) == 1 and _is_prime(candidate):
            return candidate


@dataclass(frozen=True)
class Key:
    """An RSA key."""

    p: int
    q: int

    @property
    def n(self) -> int:
        """The modulus."""
        return self.p * self.q

    @property
    def d(self) -> int:
        """The private exponent."""
        return pow(_E, -1, (self.p - 1) * (self.q - 1))

    @property
    def public(self) -> bytes:
        """As PKCS #1."""
        return _sequence(_integer(self.n), _integer(_E))

    @property
    def identifier(self) -> bytes:
        """What certificates call it."""
        return hashlib.sha1(self.public, usedforsecurity=False).digest()

    def sign(self, data: bytes) -> bytes:
        """PKCS #1 v1.5 with SHA-256."""
        digest = _SHA256_PREFIX + hashlib.sha256(data).digest()
        padded = b"\x00\x01" + b"\xff" * (256 - 3 - len(digest)) + b"\x00" + digest
        return pow(int.from_bytes(padded, "big"), self.d, self.n).to_bytes(256, "big")

    def pem(self) -> str:
        """The private key."""
        d, p, q = self.d, self.p, self.q
        parts = (0, self.n, _E, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p))
        return _pem("RSA PRIVATE KEY", _sequence(*map(_integer, parts)))


def new_key() -> Key:
    """Takes about a second."""
    return Key(_prime(), _prime())


def _pem(what: str, der: bytes) -> str:
    return f"-----BEGIN {what}-----\n{encodebytes(der).decode()}-----END {what}-----\n"


def _certificate(subject: str, key: Key, issuer: str, by: Key, extensions: list[bytes]) -> str:
    both = [
        _extension("0603551d0e", _der(4, key.identifier)),
        _extension("0603551d23", _sequence(_der(0x80, by.identifier))),
    ]
    whole = _sequence(
        _der(0xA0, _integer(2)),
        _integer(secrets.randbits(64)),
        _SHA256_WITH_RSA,
        _name(issuer),
        _sequence(_der(0x17, b"200101000000Z"), _der(0x18, b"21200101000000Z")),
        _name(subject),
        _sequence(_RSA, _der(3, b"\x00", key.public)),
        _der(0xA3, _sequence(*both, *extensions)),
    )
    return _pem("CERTIFICATE", _sequence(whole, _SHA256_WITH_RSA, _der(3, b"\x00", by.sign(whole))))


class Authority:
    """Signs certificates for the addresses of this machine."""

    def __init__(self, name: str, directory: Path, key: Key) -> None:
        self._name = name
        self._key = key
        self._directory = directory
        self.file = directory / f"{name}.pem"
        ca = _extension("0603551d13", _sequence(b"\x01\x01\xff"), critical=True)
        usage = _extension("0603551d0f", _der(3, b"\x01\x06"), critical=True)
        self.file.write_text(_certificate(name, key, name, key, [ca, usage]))

    def server(self, key: Key, address: str = "127.0.0.1") -> ssl.SSLContext:
        """What a server at this address needs."""
        alternative = _extension("0603551d11", _sequence(_der(0x87, ipaddress.ip_address(address).packed)))
        file = self._directory / f"{self._name}-{address}.pem"
        file.write_text(_certificate("server", key, self._name, self._key, [alternative]) + key.pem())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context
