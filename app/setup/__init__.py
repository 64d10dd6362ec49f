"""From a fresh clone to a program that runs: `python3 -m app.setup run|test`. Standard library only."""
