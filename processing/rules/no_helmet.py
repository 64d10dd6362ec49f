"""No helmet: rider, passenger or both of a motorcycle bare-headed; with both the maximum doubles (The Nation, 2025)."""

from typing import Final

import numpy as np

from contracts.findings import Because
from contracts.records import Helmet
from contracts.rules import Rule
from processing.cases.case import Case, cases
from processing.cases.passing import Passing
from processing.compiled import Compiled

KIND: Final = "no_helmet"
WHO: Final = {
    int(Helmet.RIDER_BARE): "rider",
    int(Helmet.PASSENGER_BARE): "passenger",
    int(Helmet.NONE): "rider and passenger",
}


def judge(compiled: Compiled, seen: Passing) -> list[Case]:
    """The cases among these passages, on arrival; where the camera could not see heads, nothing is guessed."""
    rules = compiled.rules_of(KIND)
    if not rules:
        return []
    bare = (seen.helmet > Helmet.ALL) & (seen.helmet <= Helmet.NONE) & seen.motorcycle
    hits = np.flatnonzero(bare)
    heads = zip(seen.helmet[hits].tolist(), seen.riders[hits].tolist(), strict=True)
    becauses = (_because(rules[0], helmet, riders) for helmet, riders in heads)
    return cases(compiled, rules[0], KIND, seen, hits, becauses)


def _because(rule: Rule, helmet: int, riders: int) -> Because:
    both = helmet == Helmet.NONE and riders != 1
    bare = max(2, riders) if both else 1
    return Because(
        measured=float(bare),
        limit=0.0,
        threshold=0.0,
        margin=float(bare),
        unit="bare heads",
        needed="bare_heads == 0",
        source=rule.law,
        inputs={
            "bare_heads": bare,
            "who": WHO[helmet] if both or helmet != Helmet.NONE else "rider",
            "riders": riders if riders >= 0 else None,
            "doubles": both,
        },
    )
