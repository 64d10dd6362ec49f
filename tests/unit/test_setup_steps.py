"""The set-up's stamps: work is done when its inputs changed, and only then."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from app.setup import debian, places, step, unpack
from app.setup.plan import steps_for
from app.setup.progress import SetupError
from app.setup.step import Step


@pytest.fixture(autouse=True)
def stamps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(step, "STAMPS", tmp_path / "setup")
    return tmp_path / "setup"


class Work:
    """A step whose inputs and result the test changes."""

    def __init__(self, folder: Path) -> None:
        self.inputs = "first"
        self.result = folder / "result"
        self.done = 0
        self.fails = False

    def do(self, log: Path) -> None:
        self.done += 1
        if self.fails:
            raise SetupError("it failed", "try again")
        self.result.write_text(self.inputs)

    def step(self) -> Step:
        return Step("work", "some work", lambda: self.inputs, self.do, (self.result,))


def test_a_step_is_done_once_until_its_inputs_change_or_its_result_is_gone(tmp_path: Path) -> None:
    work = Work(tmp_path)
    for expected in (1, 1):
        step.do_all([work.step()])
        assert work.done == expected
    work.inputs = "second"
    step.do_all([work.step()])
    assert work.done == 2
    work.result.unlink()
    step.do_all([work.step()])
    assert work.done == 3


def test_a_step_that_failed_is_done_again(tmp_path: Path) -> None:
    work = Work(tmp_path)
    work.fails = True
    with pytest.raises(SetupError, match="it failed"):
        step.do_all([work.step()])
    work.fails = False
    step.do_all([work.step()])
    assert work.done == 2
    assert work.step().is_done()


def test_a_step_that_does_more_counts_for_the_one_that_does_less(tmp_path: Path) -> None:
    work = Work(tmp_path)
    step.do_all([work.step()])
    less = Step("work", "less of it", lambda: "other inputs", work.do, (), also_done_by=(lambda: "first",))
    assert less.is_done()


def test_what_the_benches_compare_with_is_brought_for_them_alone() -> None:
    names = {goal: [each.name for each in steps_for(goal)] for goal in ("run", "test", "bench")}
    assert [name for name in names["bench"] if name not in names["run"]] == ["bench-libraries"]
    assert "bench-libraries" not in names["test"]


def test_a_second_setup_waits_for_the_first_and_then_finds_the_work_done(tmp_path: Path, stamps: Path) -> None:
    work = Work(tmp_path)
    stamps.mkdir()
    second = threading.Thread(target=lambda: step.do_all([work.step()]))
    with step.only_one(stamps / "lock"):
        second.start()
        work.step().do()
    second.join(10)
    assert not second.is_alive()
    assert work.done == 1


def test_names_and_contents_of_inputs_count_and_what_was_built_from_them_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step, "PROJECT", tmp_path)
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a").write_text("1")
    first = step.digest_of(tmp_path / "source")
    (tmp_path / "source" / "dist").mkdir()
    (tmp_path / "source" / "dist" / "built").write_text("x")
    assert step.digest_of(tmp_path / "source") == first
    (tmp_path / "source" / "a").write_text("2")
    assert step.digest_of(tmp_path / "source") != first


def test_the_machines_own_suite_comes_first_and_later_ones_follow() -> None:
    assert debian.suites_from("trixie") == ("trixie", "forky", "sid")
    assert debian.suites_from("a-release-to-come") == ("a-release-to-come", "sid")


def test_another_system_is_told_where_to_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(SetupError) as caught:
        debian.require_debian()
    assert "deploy/compose.yaml" in caught.value.explain()


def test_a_folder_that_only_its_owner_may_enter_is_out_of_reach_for_the_services(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    (closed / "inside").mkdir(parents=True)
    stranger = tmp_path.stat().st_uid + 12345
    tmp_path.chmod(0o755)
    closed.chmod(0o700)
    assert not places.reachable(closed / "inside", stranger)


def test_a_program_is_told_from_a_script_and_a_library_by_its_header(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n")
    assert unpack._segment_kinds(script) == set()
    assert unpack.PT_INTERP in unpack._segment_kinds(Path(sys.executable).resolve())


def test_an_unknown_goal_is_named_with_what_to_do() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app.setup", "everything"], capture_output=True, text=True, cwd=places.PROJECT
    )
    assert done.returncode == 1
    assert "no set-up called everything" in done.stderr
    assert "what to do" in done.stderr
