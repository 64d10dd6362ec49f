"""Figures of claims: a test that shows a promise of the product states figure, bound and whether it holds.

`figure("seconds to heal", 3.2, at_most=30)` asserts the bound and prints a line after the run; `make prove` shows them.
`in_proportion(10.0)` is such a bound on time where others share the cores.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

KEPT: list["Figure"] = []


@dataclass(frozen=True)
class Figure:
    """One figure beside its bound."""

    test: str
    what: str
    value: float
    bound: str
    holds: bool

    def line(self) -> str:
        return f"{'pass' if self.holds else 'FAIL'}  {self.what}: {self.value:g} (bound: {self.bound})"


Show = Callable[..., None]


def in_proportion(quiet: float) -> float:
    """The bound at this moment for what holds on a machine that does nothing else: where its cores are shared by others
    as well, it may take its time in proportion to the system's load of the last minute."""
    return quiet * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Iterator[Show]:
    """State a figure: `at_most`, `at_least` or `exactly` is its bound."""

    def show(
        what: str, value: float, *, at_most: float | None = None, at_least: float | None = None,
        exactly: float | None = None,
    ) -> None:  # fmt: skip
        bounds = {"at most": at_most, "at least": at_least, "exactly": exactly}
        ((how, bound),) = ((how, bound) for how, bound in bounds.items() if bound is not None)
        holds = {"at most": value <= bound, "at least": value >= bound, "exactly": value == bound}[how]
        KEPT.append(Figure(request.node.name, what, value, f"{how} {bound:g}", holds))
        assert holds, KEPT[-1].line()

    yield show


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures of the run."""
    if KEPT:
        terminalreporter.section("figures")
        for kept in KEPT:
            terminalreporter.write_line(kept.line())
