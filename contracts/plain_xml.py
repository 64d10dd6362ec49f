"""XML as a device sends it: elements and their texts, and nothing that makes XML dangerous.

A document type declaration is refused where it begins, so there are no entities but XML's own five and no reference to
anything outside (XML 1.0, section 4). Depth and number of elements are bounded. Attributes and comments are left out,
as are the prefixes of names: what one family means by a name is clear without its namespace.
"""

from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from contracts.errors import MessageRejected

MAX_DEPTH: Final = 32
"""A camera's event has five levels."""
MAX_ELEMENTS: Final = 5_000
"""A camera's event has about a hundred; a hostile one would be all elements."""


@dataclass(slots=True)
class Element:
    """One element. `text`: its own, without blanks at the ends; empty where it has none."""

    name: str
    text: str = ""
    children: "list[Element]" = field(default_factory=list)

    def child(self, name: str) -> "Element | None":
        """The first child of a name."""
        return next((each for each in self.children if each.name == name), None)

    def value(self, *path: str) -> str:
        """The text at the end of a path of names; empty where there is none."""
        found: Element | None = self
        for name in path:
            found = found.child(name) if found is not None else None
        return found.text if found is not None else ""

    def __repr__(self) -> str:
        # What a device said may be a plate; a traceback shows none.
        return f"Element({len(self.children)} children)"


def parse(payload: bytes) -> Element:
    """The root element of a document in UTF-8. NULs, which some cameras leave behind texts, are left out.

    Raises:
        MessageRejected: `schema`: it is no XML, is too deep or too large, or has a document type declaration. The
            detail quotes nothing of it.
    """
    building = _Building()
    parser = expat.ParserCreate("UTF-8")  # whatever the document claims: another encoding is another reading
    parser.buffer_text = True
    parser.StartElementHandler = building.start
    parser.EndElementHandler = building.end
    parser.CharacterDataHandler = building.text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(payload.replace(b"\0", b""), True)
    except expat.ExpatError as problem:
        why = expat.ErrorString(problem.code)
        detail = f"is no XML: {why} in line {problem.lineno}, column {problem.offset}"
        raise MessageRejected("schema", detail) from None
    assert building.root is not None  # expat raises for a document without an element
    return building.root


class _Building:
    def __init__(self) -> None:
        self.root: Element | None = None
        self._open: list[Element] = []
        self._texts: list[list[str]] = []
        self._count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._open) >= MAX_DEPTH or self._count > MAX_ELEMENTS:
            detail = f"XML with more than {MAX_DEPTH} levels or {MAX_ELEMENTS} elements"
            raise MessageRejected("schema", detail)
        element = Element(name.rpartition(":")[2])
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)
        self._texts.append([])

    def end(self, name: str) -> None:
        self._open.pop().text = "".join(self._texts.pop()).strip()

    def text(self, text: str) -> None:
        self._texts[-1].append(text)


def _refuse_doctype(*declared: object) -> None:
    raise MessageRejected("schema", "XML with a document type declaration; send it without")
