"""A score as a person reads it, and whether it holds its bounds."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.score.matching import Score


@dataclass(frozen=True, slots=True)
class Bounds:
    """What every kind must reach. `listed`: how many misses and inventions of a kind are named."""

    precision: float = 0.99
    recall: float = 0.97
    listed: int = 3


def failing(scores: Iterable[Score], bounds: Bounds) -> list[Score]:
    """The kinds below the bounds, and those with a case that is wrongly held against somebody."""
    return [one for one in scores if one.precision < bounds.precision or one.recall < bounds.recall or one.charged]


def written(scores: list[Score], bounds: Bounds) -> str:
    """The table, and below it the first misses and inventions of each kind."""
    head = ("kind", "planted", "found", "invented", "precision", "recall", "wrongly charged", "wrongly excused", "")
    form = "{:20}{:>9}{:>9}{:>10}{:>11}{:>9}{:>17}{:>17}  {}"
    low = {one.kind for one in failing(scores, bounds)}
    lines = [form.format(*head)]
    for one in scores:
        figures = (one.planted, one.found, one.invented, f"{one.precision:.3f}", f"{one.recall:.3f}")
        lines.append(form.format(one.kind, *figures, one.charged, one.excused, "LOW" if one.kind in low else "ok"))
    for one in scores:
        for what, those in (("missed", one.misses), ("invented", one.inventions)):
            lines += [f"  {one.kind} {what}: {each}" for each in those[: bounds.listed]]
            if len(those) > bounds.listed:
                lines.append(f"  {one.kind} {what}: {len(those) - bounds.listed} more")
    return "\n".join(line.rstrip() for line in lines)
