"""The event in what a camera posts: the XML, or the XML part of a multipart body. Pictures pass by unread.

The body is read as it comes and never kept whole: all that is remembered of it is the event, which is small.
"""

from collections.abc import AsyncIterator
from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from api.problems import Problem
from contracts.records import MAX_PAYLOAD_BYTES

BODY_BYTES_MAX: Final = 16 * 1024 * 1024
"""An event and the pictures of a camera of 8 megapixels: the scene and a few plates, a few megabytes each."""
PARTS_MAX: Final = 16
"""A camera sends three or four."""
HEADER_BYTES_MAX: Final = 1_024
HEADERS_MAX: Final = 8
"""Of one part: name, type and length are said in two or three lines."""
XML_TYPES: Final = (b"application/xml", b"text/xml")


async def event_in(content_type: str, body: AsyncIterator[bytes]) -> bytes:
    """The bytes of the event.

    Raises:
        Problem: 400 for what cannot be taken apart or holds no event, 413 for what is too large, 415 for another type.
    """
    kind, options = parse_options_header(content_type)
    if kind in XML_TYPES:
        reading: _Whole | _Parts = _Whole()
    elif kind.startswith(b"multipart/") and options.get(b"boundary"):
        reading = _Parts(options[b"boundary"])
    else:
        raise Problem(415, "must be multipart with a boundary, or application/xml")
    taken = 0
    async for chunk in body:
        taken += len(chunk)
        if taken > BODY_BYTES_MAX:
            raise Problem(413, f"has more than {BODY_BYTES_MAX} bytes; let the camera send fewer or smaller pictures")
        reading.feed(chunk)
    if not reading.found:
        raise Problem(400, "holds no XML part, or ends before its end")
    return bytes(reading.event)


class _Event:
    """The event so far."""

    def __init__(self) -> None:
        self.event = bytearray()
        self.found = False

    def take(self, data: bytes) -> None:
        if len(self.event) + len(data) > MAX_PAYLOAD_BYTES:
            raise Problem(413, f"the event has more than {MAX_PAYLOAD_BYTES} bytes")
        self.event += data


class _Whole(_Event):
    """A body that is the event."""

    def feed(self, chunk: bytes) -> None:
        self.take(chunk)
        self.found = self.found or bool(chunk)


class _Parts(_Event):
    """A multipart body: its first part that is XML, by its type or by the name of its file."""

    def __init__(self, boundary: bytes) -> None:
        super().__init__()
        self._name = self._value = b""
        self._is_event, self._parts = False, 0
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begins,
                    "on_part_data": self._data,
                    "on_part_end": self._ends,
                    "on_header_begin": self._header_begins,
                    "on_header_field": self._header_name,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_ends,
                },
                max_header_count=HEADERS_MAX,
                max_header_size=HEADER_BYTES_MAX,
            )
        except FormParserError:
            raise Problem(400, "the boundary is none") from None

    def feed(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except FormParserError as problem:
            raise Problem(400, f"is no multipart body: {type(problem).__name__}; check the camera's firmware") from None

    def _begins(self) -> None:
        self._parts += 1
        self._is_event = False
        if self._parts > PARTS_MAX:
            raise Problem(413, f"has more than {PARTS_MAX} parts")

    def _header_begins(self) -> None:
        self._name = self._value = b""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_ends(self) -> None:
        name = self._name.lower()
        value, options = parse_options_header(self._value)
        if name == b"content-type" and value in XML_TYPES:
            self._is_event = not self.found
        elif name == b"content-disposition":
            names = (options.get(b"filename", b""), options.get(b"name", b""))
            if any(each.lower().endswith(b".xml") for each in names):
                self._is_event = not self.found

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._is_event:
            self.take(data[start:end])

    def _ends(self) -> None:
        self.found = self.found or self._is_event
