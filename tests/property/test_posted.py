"""Laws of what cameras post: however a body is made and cut, there is an event or a refusal, never another error."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from api.posted import event_in
from api.problems import Problem
from api.repeats import Repeats
from tests.unit.test_adapter_hikvision import CAPTURED

KINDS = st.sampled_from(
    [
        "multipart/form-data; boundary=b", 'multipart/mixed; boundary="b"', "multipart/form-data; boundary=",
        "multipart/x; boundary=b; boundary=c", "application/xml; charset=UTF-8", "text/xml", "multipart/form-data",
        "multipart/form-data; boundary*0=b", "multipart/form-data; filename=\\\\x\\y; boundary=b",
    ]
)  # fmt: skip
PIECES = st.sampled_from(
    [
        b"--b", b"--b--", b"\r\n", b"\n", b"\r", b"--", b"b", b"\0", b":", b"Content-Type: text/xml", b"Content-Type:",
        b'Content-Disposition: form-data; name="anpr.xml"', b'Content-Disposition: form-data; filename="', b"<a/>",
        b"--b\r\nContent-Type: text/xml\r\n\r\n<a/>\r\n--b--\r\n", b"\xff\xd8\xff", CAPTURED.encode(),
    ]
)  # fmt: skip
bodies = st.lists(PIECES, max_size=14).map(b"".join) | st.binary(max_size=80)


def event(kind: str, chunks: Sequence[bytes]) -> bytes | int:
    """The event, or the status of the refusal."""

    async def body() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    async def read() -> bytes | int:
        try:
            return await event_in(kind, body())
        except Problem as problem:
            assert problem.detail
            return problem.status

    return asyncio.run(read())


def cut(content: bytes, places: Sequence[int]) -> list[bytes]:
    at = [0, *sorted(min(place, len(content)) for place in places), len(content)]
    return [content[start:end] for start, end in pairwise(at)]


@settings(max_examples=500)
@given(KINDS | st.text(st.characters(codec="latin-1"), max_size=60), bodies, st.lists(st.integers(0, 300), max_size=5))
@example("multipart/form-data; boundary=b", b"--b\r\nContent-Type: text/xml\r\n\r\n<a/>\r\n--b--\r\n", [3, 40])
def test_a_body_is_an_event_or_a_refusal_wherever_it_is_cut(kind: str, content: bytes, places: list[int]) -> None:
    whole = event(kind, [content])
    assert isinstance(whole, bytes) or whole in (400, 413, 415)
    assert event(kind, cut(content, places)) == whole


@given(bodies.filter(lambda body: b"--b" not in body))
def test_the_event_of_a_well_made_body_is_the_bytes_of_its_part(said: bytes) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="anpr.xml"; filename="anpr.xml"\r\n\r\n'
    picture = b"\r\n--b\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\r\n--b--\r\n"
    assert event("multipart/form-data; boundary=b", [head + said + picture]) == said


@settings(max_examples=300)
@given(bodies, st.integers(0, len(CAPTURED)), st.integers(0, 60))
def test_looking_for_a_repeat_never_fails(content: bytes, at: int, length: int) -> None:
    for said in (content, (CAPTURED[:at] + CAPTURED[at + length :]).encode()):
        repeats = Repeats()
        sighting = repeats.sighting("cam-1", said)
        if sighting is not None:
            assert not repeats.is_repeat(sighting)
            repeats.confirmed(sighting)
            assert repeats.is_repeat(sighting)
