"""Every comparison of a kernel with its twin also holds with the JIT off, where the kernels are plain Python."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.fixtures.jit_off import JIT_OFF, Ran, run_with_the_jit_off

HERE = Path(__file__)
FILES = sorted(file.stem for file in HERE.parent.glob("test_kernels*.py") if file != HERE)

pytestmark = pytest.mark.skipif(JIT_OFF, reason="this is the run with the JIT off")


@pytest.fixture(scope="module")
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Ran]:
    """One run for those files that are asked for here (`-k windows`: that one alone)."""
    items = [each for each in request.session.items if isinstance(each, pytest.Function) and each.path == HERE]
    asked = sorted({str(item.callspec.params["name"]) for item in items})
    report = tmp_path_factory.mktemp("jit-off") / "report.xml"
    return run_with_the_jit_off([HERE.with_name(f"{name}.py") for name in asked], report)


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_the_twins_hold_with_the_jit_off(ran: Mapping[str, Ran], name: str) -> None:
    became = ran.get(name, Ran())
    if became.problems:
        pytest.fail("\n".join(became.problems), pytrace=False)
    assert became.passed > 0
