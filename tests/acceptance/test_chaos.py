"""Everything between the devices and the log killed, cut, stopped and set wrong for a while: nothing is lost.

The long run is `python -m bench.chaos --kills 200`.
"""

from pathlib import Path

import pytest

from tests.figures import Show
from tests.fixtures.chaos.run import run

SEED, KILLS, STORM_S = 404, 8, 120.0
"""On a busy machine a kill comes every six seconds: the kills end the storm, and not the time."""


@pytest.mark.slow
def test_whatever_is_killed_every_message_is_in_the_log_once_and_the_findings_are_those_of_a_calm_day(
    run_folder: Path, figure: Show
) -> None:
    folder = run_folder / "chaos"
    folder.mkdir(mode=0o755)
    report = run(folder, SEED, KILLS, STORM_S)
    verdict = report.verdict
    figure(f"seed {SEED}: kills", report.kills, at_least=3)
    figure("messages", verdict.messages, at_least=1_000)
    for name in ("lost", "doubled", "altered", "wrongly_rejected"):
        figure(f"seed {SEED}: {name}", getattr(verdict, name), exactly=0)
    assert verdict.held, report.table()
