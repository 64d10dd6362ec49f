"""The credentials of devices that post: HTTP digest (RFC 7616, and RFC 2069 for old cameras) and basic (RFC 7617).

Digest is MD5, which is all that cameras speak; it protects a random password that nobody can search for, and its nonces
are ours: signed, short-lived, each use of one greater than the last, so that a request that was overheard is worth
nothing. It does not protect what is posted: on a network that is not ours alone HTTPS does.
"""

import base64
import binascii
import hmac
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from hashlib import md5, sha256
from typing import Final
from urllib.parse import urlsplit

from contracts.receiving import Poster

REALM: Final = "andaman"
HEADER_CHARS_MAX: Final = 2_048
"""A digest header has about 300 characters."""
NONCE_LIFE_S: Final = 300.0
NONCES_MAX: Final = 10_000
"""Nonces in use whose counts are remembered; when it is full the oldest one has to be asked for anew."""

_PARAMETER: Final = re.compile(r'(\w{1,20})=(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_COUNT: Final = re.compile(r"[0-9a-fA-F]{8}")

Find = Callable[[str], Poster | None]


class Credentials:
    """Tells who posts. Keeps the counts of nonces, so there is one for an app."""

    def __init__(self, now_s: Callable[[], float] = time.time) -> None:
        self._now_s, self._key = now_s, secrets.token_bytes(32)
        self._counts: OrderedDict[str, int] = OrderedDict()
        self._forgotten_s = -1
        """When the newest nonce was made whose count is not remembered any more."""
        self._lock = threading.Lock()

    def challenges(self, stale: bool = False) -> tuple[str, str]:
        """The `WWW-Authenticate` headers, the better one first. `stale`: it was right, but its nonce was too old."""
        again = ", stale=true" if stale else ""
        digest = f'Digest realm="{REALM}", qop="auth", algorithm=MD5, nonce="{self._nonce()}"{again}'
        return digest, f'Basic realm="{REALM}"'

    def who(self, header: str, method: str, path: str, find: Find) -> tuple[Poster | None, bool]:
        """The device that an `Authorization` header proves to be the sender, and whether only its nonce was stale."""
        scheme, _, rest = header.partition(" ")
        if len(header) > HEADER_CHARS_MAX:
            return None, False
        if scheme.lower() == "basic":
            return self._basic(rest.strip(), find), False
        if scheme.lower() == "digest":
            return self._digest(rest, method, path, find)
        return None, False

    def _basic(self, encoded: str, find: Find) -> Poster | None:
        try:
            name, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError, ValueError):
            return None
        poster = find(name) if colon else None
        # An unknown name costs as much as a wrong password.
        right = hmac.compare_digest((poster.password if poster else "").encode(), password.encode())
        return poster if right and password else None

    def _digest(self, rest: str, method: str, path: str, find: Find) -> tuple[Poster | None, bool]:
        said = {name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(rest)}
        if said.get("realm") != REALM or not _is_path(said.get("uri", ""), path):
            return None, False
        qop, count, nonce = said.get("qop", ""), said.get("nc", ""), said.get("nonce", "")
        if qop not in ("", "auth") or (qop and not _COUNT.fullmatch(count)):
            return None, False
        poster = find(said.get("username", ""))
        password = poster.password if poster else ""
        secret = _md5(f"{said.get('username', '')}:{REALM}:{password}")
        middle = f"{nonce}:{count}:{said.get('cnonce', '')}:{qop}" if qop else nonce
        asked = _md5(f"{method}:{said.get('uri', '')}")
        wanted = _md5(f"{secret}:{middle}:{asked}")
        if not hmac.compare_digest(wanted.encode(), said.get("response", "").lower().encode()) or not password:
            return None, False
        # Only now: a stranger uses up nobody's nonce.
        if not self._is_ours(nonce) or not self._counts_up(nonce, int(count, 16) if qop else 1):
            return None, True
        return poster, False

    def _nonce(self) -> str:
        made = f"{int(self._now_s()):x}.{secrets.token_hex(8)}"
        return f"{made}.{self._signed(made)}"

    def _signed(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), sha256).hexdigest()[:32]

    def _is_ours(self, nonce: str) -> bool:
        made, _, signature = nonce.rpartition(".")
        if not hmac.compare_digest(self._signed(made).encode(), signature.encode()):
            return False
        return self._now_s() - _made_s(nonce) <= NONCE_LIFE_S

    def _counts_up(self, nonce: str, count: int) -> bool:
        """Whether a nonce is used for the first time with this count, or a greater one. One that is as old as what was
        forgotten may have been used before."""
        with self._lock:
            if nonce not in self._counts and _made_s(nonce) <= self._forgotten_s:
                return False
            if count <= self._counts.get(nonce, 0):
                return False
            self._counts[nonce] = count
            while len(self._counts) > NONCES_MAX:
                oldest, _ = self._counts.popitem(last=False)
                self._forgotten_s = max(self._forgotten_s, _made_s(oldest))
        return True


def _made_s(nonce: str) -> int:
    """When a nonce of ours was made, in seconds since 1970."""
    return int(nonce.partition(".")[0], 16)


def _is_path(uri: str, path: str) -> bool:
    """Whether the address that was signed is the one that was asked; cameras sign with and without the host."""
    try:
        return urlsplit(uri).path == path
    except ValueError:
        return False


def _md5(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()
