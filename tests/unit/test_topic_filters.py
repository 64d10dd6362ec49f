"""Topic filters: which topic matches which, and which two have a topic in common."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.topic_filters import MAX_FILTER, FilterTree, fault

levels = st.sampled_from(["a", "b", "", "+"])
filters = st.tuples(st.lists(levels, min_size=1, max_size=4), st.booleans()).map(
    lambda drawn: "/".join([*drawn[0], *(["#"] if drawn[1] else [])])
)
TOPICS = ["/".join(each) for length in range(1, 7) for each in product(("a", "b", ""), repeat=length)]


def matches(text: str, topic: str) -> bool:
    """MQTT 5.0, section 4.7.1, said as plainly as it goes."""
    wanted, given = text.split("/"), topic.split("/")
    if wanted[-1] == "#":
        return len(given) >= len(wanted) - 1 and matches_levels(wanted[:-1], given[: len(wanted) - 1])
    return len(given) == len(wanted) and matches_levels(wanted, given)


def matches_levels(wanted: list[str], given: list[str]) -> bool:
    return all(level in ("+", said) for level, said in zip(wanted, given, strict=True))


def tree(*texts: str) -> FilterTree:
    made = FilterTree()
    for text in texts:
        made.add(text, text)
    return made


@given(st.lists(filters, max_size=6, unique=True), st.sampled_from(TOPICS))
def test_a_topic_finds_exactly_the_filters_that_it_matches(texts: list[str], topic: str) -> None:
    assert sorted(tree(*texts).matching(topic)) == sorted(text for text in texts if matches(text, topic))


@given(filters, filters)
def test_two_filters_share_a_topic_exactly_where_one_matches_both(text: str, other: str) -> None:
    common = any(matches(text, topic) and matches(other, topic) for topic in TOPICS)
    assert bool(tree(text).sharing(other)) is common


def test_what_belongs_to_one_filter_is_found_in_the_order_in_which_it_was_added() -> None:
    made = FilterTree()
    made.add("a/+", "first")
    made.add("a/+", "second")
    assert made.matching("a/b") == ["first", "second"]


@pytest.mark.parametrize("text", ["a", "a/b c/é", "+/a", "a/#", "#", "/", "a//b"])
def test_a_filter_has_no_fault(text: str) -> None:
    assert fault(text) is None


@pytest.mark.parametrize(
    "text", ["", "a/#/b", "a/b#", "a+/b", "a\nuser admin", "a\0", " a", "a ", "x" * (MAX_FILTER + 1), "a/" * 30]
)
def test_what_is_no_filter_has_a_fault(text: str) -> None:
    assert fault(text) is not None
