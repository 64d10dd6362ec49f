"""Credentials of devices that post: the examples of the standards, and what must not be believed."""

from hashlib import md5

import pytest

from api.http_credentials import NONCE_LIFE_S, NONCES_MAX, Credentials
from contracts.receiving import Poster

PATH = "/api/v1/receiver"
CAMERA = Poster("cam-1", "a password", "hikvision/cam-1")


def find(name: str) -> Poster | None:
    return CAMERA if name == CAMERA.device else None


def digested(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


class Rig:
    """Credentials with a clock that the test advances."""

    def __init__(self) -> None:
        self.now_s = 1_795_316_400.0
        self.credentials = Credentials(lambda: self.now_s)

    def nonce(self) -> str:
        return self.credentials.challenges()[0].partition('nonce="')[2].partition('"')[0]

    def who(self, header: str, method: str = "POST", path: str = PATH) -> tuple[Poster | None, bool]:
        return self.credentials.who(header, method, path, find)

    def header(self, nonce: str, count: int = 1, uri: str = PATH, password: str = CAMERA.password) -> str:
        """What a client of RFC 7616 sends."""
        middle = f"{nonce}:{count:08x}:0a4f113b:auth"
        secret, asked = digested(f"cam-1:andaman:{password}"), digested(f"POST:{uri}")
        response = digested(f"{secret}:{middle}:{asked}")
        return (
            f'Digest username="cam-1", realm="andaman", nonce="{nonce}", uri="{uri}", qop=auth, nc={count:08x}, '
            f'cnonce="0a4f113b", response="{response}", algorithm=MD5'
        )


def test_digest_proves_who_it_is() -> None:
    rig = Rig()
    assert rig.who(rig.header(rig.nonce())) == (CAMERA, False)
    assert rig.who(rig.header(rig.nonce(), password="another")) == (None, False)


def test_digest_without_qop_as_old_cameras_have_it_is_good_once_a_nonce() -> None:
    rig = Rig()
    nonce = rig.nonce()
    response = digested(f"{digested('cam-1:andaman:a password')}:{nonce}:{digested(f'POST:{PATH}')}")
    header = f'Digest username="cam-1",realm="andaman",nonce="{nonce}",uri="{PATH}",response="{response}"'
    assert rig.who(header) == (CAMERA, False)
    assert rig.who(header) == (None, True)


def test_a_nonce_is_used_again_with_a_greater_count_only() -> None:
    rig = Rig()
    nonce = rig.nonce()
    assert [rig.who(rig.header(nonce, count))[0] for count in (1, 2, 7)] == [CAMERA] * 3
    assert [rig.who(rig.header(nonce, count)) for count in (7, 3, 1)] == [(None, True)] * 3


def test_a_nonce_that_is_old_or_not_ours_is_stale() -> None:
    rig = Rig()
    nonce = rig.nonce()
    rig.now_s += NONCE_LIFE_S + 1
    assert rig.who(rig.header(nonce)) == (None, True)
    made, _, signature = rig.nonce().rpartition(".")
    for other in (Rig().nonce(), f"{made}0.{signature}", "", "..", "zz.1.2"):
        assert rig.who(rig.header(other)) == (None, True)


def test_a_wrong_password_uses_up_no_nonce() -> None:
    rig = Rig()
    nonce = rig.nonce()
    assert rig.who(rig.header(nonce, 9, password="another")) == (None, False)
    assert rig.who(rig.header(nonce, 1)) == (CAMERA, False)


def test_what_was_signed_for_another_address_or_method_is_not_believed() -> None:
    rig = Rig()
    assert rig.who(rig.header(rig.nonce(), uri="/api/v1/session")) == (None, False)
    assert rig.who(rig.header(rig.nonce()), method="PUT") == (None, False)
    assert rig.who(rig.header(rig.nonce(), uri=f"http://city.example{PATH}")) == (CAMERA, False)


def test_the_memory_of_nonces_is_bounded_and_what_it_forgets_has_to_be_asked_for_anew() -> None:
    rig = Rig()
    first = rig.nonce()
    assert rig.who(rig.header(first, 5)) == (CAMERA, False)
    rig.now_s += 1.0
    second = rig.nonce()
    for _ in range(NONCES_MAX):
        assert rig.who(rig.header(rig.nonce())) == (CAMERA, False)
    assert len(rig.credentials._counts) == NONCES_MAX
    overheard = rig.header(first, 5)
    assert rig.who(overheard) == (None, True)
    assert rig.who(rig.header(second)) == (CAMERA, False)


@pytest.mark.parametrize(
    ("header", "who"),
    [
        ("Basic Y2FtLTE6YSBwYXNzd29yZA==", CAMERA),
        ("basic Y2FtLTE6YSBwYXNzd29yZA==", CAMERA),
        ("Basic Y2FtLTE6", None),
        ("Basic Og==", None),
        ("Basic Y2FtLTE=", None),
        ("Basic /////w==", None),
        ("Basic Y2FtLTE6YSBwYXNzd29yZA", None),
        ("Bearer Y2FtLTE6YSBwYXNzd29yZA==", None),
        ("", None),
    ],
)
def test_basic_is_name_and_password_in_base_64(header: str, who: Poster | None) -> None:
    assert Rig().who(header) == (who, False)


def test_a_device_without_a_password_is_nobody() -> None:
    rig = Rig()

    def none(name: str) -> Poster | None:
        return None

    header = rig.header(rig.nonce(), password="")
    assert rig.credentials.who(header, "POST", PATH, none) == (None, False)
    assert rig.credentials.who("Basic Y2FtLTE6", "POST", PATH, none) == (None, False)


def test_a_poster_is_shown_without_its_password() -> None:
    assert CAMERA.password not in repr(CAMERA)
