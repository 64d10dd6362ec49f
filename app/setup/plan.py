"""The set-up as a list one can read: which steps lead to which goal, and on what each depends."""

import os

from app.setup import kernels, page, programs, python_environment
from app.setup.places import PROJECT, VENV_PYTHON, state_folder
from app.setup.progress import SetupError
from app.setup.step import Step, digest_of

PLAN = PROJECT / "app" / "setup"


def steps_for(goal: str) -> list[Step]:
    """The steps of `run` (all that `make run` needs), `test` (that, the test tools and the browser) or `bench` (that of
    `run`, and what our own is measured against)."""
    if goal not in ("run", "test", "bench"):
        raise SetupError(f"there is no set-up called {goal}", "python3 -m app.setup run|test|bench")
    testing = goal == "test"
    steps = [_environment(), _test_libraries() if testing else _run_libraries(), _project(), _services()]
    if testing:
        steps.append(_browser())
    if goal == "bench":
        steps.append(_bench_libraries())
    if page.PACKAGE_LOCK.exists():
        steps += [_page_libraries(), _page()]
    if (PROJECT / "app" / "cli.py").exists():
        steps.append(_kernels())
    return steps


def _environment() -> Step:
    return Step(
        "environment",
        "Python environment in .venv",
        lambda: digest_of(python_environment.interpreter()),
        python_environment.make_environment,
        (VENV_PYTHON,),
    )


def _run_digest() -> str:
    return digest_of(python_environment.interpreter(), python_environment.RUN_LOCK, salt="run")


def _test_digest() -> str:
    return digest_of(python_environment.interpreter(), python_environment.TEST_LOCK, salt="test")


def _run_libraries() -> Step:
    return Step(
        "libraries",
        "Python libraries",
        _run_digest,
        python_environment.install_to_run,
        (VENV_PYTHON,),
        also_done_by=(_test_digest,),
    )


def _test_libraries() -> Step:
    return Step(
        "libraries", "Python libraries and test tools", _test_digest, python_environment.install_to_test, (VENV_PYTHON,)
    )


def _bench_libraries() -> Step:
    return Step(
        "bench-libraries",
        "what the benches compare with",
        lambda: digest_of(python_environment.interpreter(), python_environment.BENCH_LOCK, salt="bench"),
        python_environment.install_to_bench,
        (VENV_PYTHON,),
        is_there=python_environment.has_bench_libraries,
    )


def _project() -> Step:
    return Step(
        "project",
        "the andaman command",
        lambda: digest_of(python_environment.interpreter(), PROJECT / "pyproject.toml"),
        python_environment.install_project,
        (VENV_PYTHON.with_name("andaman"),),
    )


def _services() -> Step:
    def inputs() -> str:
        named = [os.environ.get(name, "") != "" for name in ("ANDAMAN_DATABASE_URL", "ANDAMAN_MQTT_URL")]
        return digest_of(str(named), str(state_folder()), PLAN / "programs.py", PLAN / "unpack.py")

    return Step(
        "services", "TimescaleDB and Mosquitto", inputs, programs.bring_services, is_there=programs.services_are_there
    )


def _browser() -> Step:
    def inputs() -> str:
        return digest_of(str(state_folder()), PLAN / "programs.py", PLAN / "unpack.py")

    return Step(
        "browser",
        "chromium for the browser tests",
        inputs,
        programs.bring_browser,
        is_there=lambda: "chromium" in programs.known_programs(),
    )


def _page_libraries() -> Step:
    return Step(
        "page-libraries",
        "the page's libraries",
        lambda: digest_of(page.PACKAGE_LOCK),
        page.install_libraries,
        (page.CONSOLE / "node_modules" / ".package-lock.json",),
    )


def _page() -> Step:
    return Step("page", "the operators' page", lambda: digest_of(page.CONSOLE), page.build, (page.BUILT,))


def _kernels() -> Step:
    return Step(
        "kernels",
        "the kernels for this CPU",
        lambda: digest_of(kernels.this_cpu(), python_environment.RUN_LOCK, *kernels.SOURCES),
        kernels.compile_all,
    )
