"""Passwords are kept as Argon2id hashes, and checking one takes the same time whether or not the account exists."""

import threading
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

PASSWORD_CHARS_MIN: Final = 8
"""NIST SP 800-63B, section 5.1.1.2."""
PASSWORD_CHARS_MAX: Final = 256

_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""OWASP's second choice for Argon2id (19 MiB, 2 passes, 1 lane): about 20 ms here, on one of the city's two cores."""
_AT_ONCE: Final = threading.BoundedSemaphore(2)
"""A flood of sign-ins must not take all memory and both cores from the pipeline."""


def hashed(password: str) -> str:
    """The hash to keep.

    Raises:
        ValueError: too short or too long; says what is asked for.
    """
    if not PASSWORD_CHARS_MIN <= len(password) <= PASSWORD_CHARS_MAX:
        raise ValueError(f"a password has {PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters, not {len(password)}")
    with _AT_ONCE:
        return _HASHER.hash(password)


def matches(kept: str | None, password: str) -> bool:
    """Whether a password is the one of a kept hash; with None (no such account) equally slow, and False."""
    with _AT_ONCE:
        nobodys = _nobodys()  # before the choice: making it the first time takes as long as a check
        try:
            return _HASHER.verify(kept or nobodys, password) and kept is not None
        except (VerifyMismatchError, VerificationError, InvalidHashError):
            return False


def is_outdated(kept: str) -> bool:
    """Whether a hash was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(kept)


@cache
def _nobodys() -> str:
    """A hash that belongs to no account."""
    return _HASHER.hash("nobody's password")
