"""MQTT topic filters: what is one, what two have in common, and which of many a topic matches.

Filters: MQTT 5.0 (OASIS Standard, 7 March 2019), section 4.7: `+` stands for one level, `#` at the end for any number.
"""

from collections.abc import Iterator
from typing import Any, Final

ONE: Final = "+"
REST: Final = "#"
MAX_FILTER: Final = 256
"""Longest filter of an entry: longer than any device's own topic, within what is kept of a topic that came."""
MAX_LEVELS: Final = 24
"""More levels than any family's topics have; walking the tree stays shallow."""


def fault(text: str) -> str | None:
    """What is wrong with a filter; None where nothing is."""
    levels = text.split("/")
    if not text or len(text) > MAX_FILTER or len(levels) > MAX_LEVELS:
        return f"must have 1 to {MAX_FILTER} characters and at most {MAX_LEVELS} levels"
    if not text.isprintable() or text != text.strip():
        return "must be printable, without blanks at its ends"
    if any(level not in (ONE, REST) and (ONE in level or REST in level) for level in levels):
        return "`+` and `#` stand for whole levels"
    if REST in levels[:-1]:
        return "`#` may only be the last level"
    return None


class FilterTree:
    """Filters, each with what belongs to it; looking up costs by the levels of a topic, not by how many there are."""

    def __init__(self) -> None:
        # Levels by name; under the empty tuple, which is nobody's name, what ends here.
        self._root: dict[Any, Any] = {}

    def add(self, text: str, belongs: object) -> None:
        """Add a filter; several things may belong to the same one."""
        node = self._root
        for level in text.split("/"):
            node = node.setdefault(level, {})
        node.setdefault((), []).append((text, belongs))

    def matching(self, topic: str) -> list[Any]:
        """What belongs to the filters that match a topic."""
        found = _walk(self._root, topic.split("/"), 0, wild=False)
        return [belongs for _, belongs in found]

    def sharing(self, text: str) -> list[tuple[str, Any]]:
        """The filters that have a topic in common with this one, each with what belongs to it."""
        return list(_walk(self._root, text.split("/"), 0, wild=True))


def _walk(node: dict[Any, Any], levels: list[str], at: int, wild: bool) -> Iterator[tuple[str, Any]]:
    """Everything below `node` that levels[at:] meets; with `wild` those levels are a filter themselves."""
    if wild and at < len(levels) and levels[at] == REST:
        yield from _all(node)
        return
    if REST in node:
        yield from node[REST][()]  # also the parent level itself: `a/#` matches `a`
    if at == len(levels):
        yield from node.get((), ())
        return
    if wild and levels[at] == ONE:
        below = [child for name, child in node.items() if name not in ((), REST)]
    else:
        below = [node[name] for name in {levels[at], ONE} if name in node]
    for child in below:
        yield from _walk(child, levels, at + 1, wild)


def _all(node: dict[Any, Any]) -> Iterator[tuple[str, Any]]:
    for name, child in node.items():
        if name == ():
            yield from child
        else:
            yield from _all(child)
