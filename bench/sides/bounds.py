"""What a bench is promised to show: with `--bound` it says figure, bound and `pass` or `FAIL`."""

import sys


def holds(what: str, value: float, *, at_least: float | None = None, at_most: float | None = None) -> bool:
    """Print the figure beside its one bound; whether it holds."""
    if at_least is not None:
        held, bound = value >= at_least, f"at least {at_least:,g}"
    else:
        assert at_most is not None, f"{what} has no bound"
        held, bound = value <= at_most, f"at most {at_most:,g}"
    sys.stdout.write(f"{'pass' if held else 'FAIL'}  {what}: {value:,.10g} (bound: {bound})\n")
    return held
