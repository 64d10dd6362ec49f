"""`make clean`: removes all that was made in and for this project; what was downloaded stays in the user's cache."""

import shutil

from app.setup.page import CONSOLE
from app.setup.places import VAR, VENV, state_folder
from app.setup.progress import say


def remove_all() -> None:
    """Removes environment, programs, page and data."""
    for folder in (state_folder(), VAR, VENV, CONSOLE / "node_modules", CONSOLE / "dist"):
        if folder.exists():
            shutil.rmtree(folder, ignore_errors=True)
            say(f"  removed {folder}")
