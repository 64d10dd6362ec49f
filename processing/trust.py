"""The trust gate: makes violations of cases. Nothing that a device could not be trusted with is chargeable."""

from contracts.columns import Batch
from processing.compiled import Compiled
from processing.said import Said
from processing.state import State


def fold(state: State, compiled: Compiled, batch: Batch, said: Said) -> None:
    """The stage after all rules: every case of this batch becomes a violation."""
    said.violations += [case.violation for case in said.cases]
