"""The stage of the rules that read several devices in order (processing/order/ordering.py)."""

from typing import Final

from contracts.columns import Batch
from processing.cases.passing import passing
from processing.compiled import Compiled
from processing.order import ordering
from processing.rules import cloned_plate, red_light, section_speed
from processing.said import Said
from processing.state import State

RULES: Final = (red_light.judge, section_speed.judge, cloned_plate.judge)
"""In order. Each declares its groups, takes what they are past, and judges it."""


def fold(state: State, compiled: Compiled, batch: Batch, said: Said) -> None:
    """Hear who spoke in this batch, then let each rule judge what is in order by now."""
    heard = ordering.listen(state, batch, said.arrivals)
    seen = said.passing or passing(compiled, batch.passages)
    for rule in RULES:
        rule(state, compiled, batch, seen, heard, said)
