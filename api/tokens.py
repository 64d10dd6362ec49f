"""Bearer tokens: a name, a role and an end, signed with HMAC-SHA256. No database is asked.

Layout: `andaman1.` + base64url(compact JSON) + `.` + base64url(MAC over everything before the second dot). There is one
algorithm and nothing to negotiate, so the known traps of JWT libraries (`alg: none`, key confusion) do not exist;
`docs/decisions` says why no library. A token cannot be called back, hence its short life.
"""

import base64
import hashlib
import hmac
import json
import math
import time
from dataclasses import dataclass
from typing import Final

from contracts.answers import Role

PREFIX: Final = "andaman1"
LIFETIME_S: Final = 900.0
"""15 minutes: long enough for a command line at work, short for a token left in a shell's history."""
TOKEN_CHARS_MAX: Final = 512
"""A token of the longest name is under 300 characters; longer ones are not worth a MAC."""
NAME_CHARS_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says: who, as what, until when (Unix seconds)."""

    name: str
    role: Role
    expires_s: float


class BadToken(Exception):
    """The token is not ours, was altered, or has ended; the message says which and never repeats the token."""


def issue(
    secret: bytes, name: str, role: Role | str, lifetime_s: float = LIFETIME_S, now_s: float | None = None
) -> str:
    """A signed token.

    Raises:
        ValueError: no such role, a name that is empty or too long, or a lifetime that is no positive number.
    """
    role = Role(role)
    if not 0 < len(name) <= NAME_CHARS_MAX:
        raise ValueError(f"a token's name has 1 to {NAME_CHARS_MAX} characters, not {len(name)}")
    if not (math.isfinite(lifetime_s) and lifetime_s > 0):
        raise ValueError(f"a token lives for a positive number of seconds, not {lifetime_s!r}")
    expires_s = (time.time() if now_s is None else now_s) + lifetime_s
    claims = json.dumps({"name": name, "role": role.value, "expires_s": int(expires_s)}, separators=(",", ":"))
    body = f"{PREFIX}.{_to_text(claims.encode())}"
    return f"{body}.{_to_text(_mac(secret, body))}"


def verify(secret: bytes, token: str, now_s: float | None = None) -> Claims:
    """The claims of a token that is ours and has not ended.

    Raises:
        BadToken: says what is wrong with it.
    """
    if len(token) > TOKEN_CHARS_MAX:
        raise BadToken("the token is longer than any of ours; ask for one with `andaman token`")
    body, _, mac = token.rpartition(".")
    # As text: two texts may decode to the same bytes, and only one of them is what we gave out.
    if not hmac.compare_digest(_to_text(_mac(secret, body)).encode(), mac.encode(errors="replace")):
        raise BadToken("the token's signature is not ours; ask for one with `andaman token`")
    said = json.loads(_to_bytes(body.partition(".")[2]))
    claims = Claims(said["name"], Role(said["role"]), float(said["expires_s"]))
    if claims.expires_s <= (time.time() if now_s is None else now_s):
        raise BadToken("the token has ended; ask for a new one with `andaman token`")
    return claims


def _mac(secret: bytes, body: str) -> bytes:
    return hmac.new(secret, body.encode(errors="replace"), hashlib.sha256).digest()


def _to_text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _to_bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
