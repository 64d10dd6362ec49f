# Everything a newcomer or CI types. Needs Python >= 3.11, git and make; all else is brought by the set-up.
PYTHON ?= python3
ARGS ?=
CLAIM ?=
PY := .venv/bin/python
SETUP := $(PYTHON) -m app.setup
STATIC = $(PY) -m ruff check . && $(PY) -m ruff format --check -q . && $(PY) -m mypy && .venv/bin/lint-imports && $(PY) -m app.setup.page check

.DEFAULT_GOAL := help
.PHONY: help setup run test check static bench prove lock clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1	\2/' | expand -t 16

setup: ## bring everything that `make run` needs (the second time: nothing)
	@exec $(SETUP) run

run: ## the whole city on this machine; ARGS="--no-history" and the like go on to `andaman up`
	@exec $(SETUP) run
	@exec $(PY) -m app.cli up $(ARGS)

test: ## every test, against the real TimescaleDB, Mosquitto and chromium: what CI runs
	@exec $(SETUP) test
	@$(STATIC)
	@exec $(PY) -m pytest $(ARGS)

check: ## the fast part of it: lint, types, direction of imports, unit tests
	@exec $(SETUP) test
	@$(STATIC)
	@exec $(PY) -m pytest tests/unit $(ARGS)

static: ## lint, types, direction of imports and the page's own checks, without the set-up
	@$(STATIC)

# Chaos, fuzz and soak judge instead of measuring, for up to hours: by name, or as claims.
bench: ## every figure of bench/ in turn, each against its anchors
	@exec $(SETUP) bench
	@for name in $(filter-out __init__ chaos fuzz soak,$(basename $(notdir $(wildcard bench/*.py)))); do \
	  echo "== $$name"; $(PY) -m bench.$$name || exit 1; done

prove: ## CLAIM=name runs the command behind one promise of the product; without a name: the list
	@exec $(SETUP) test
	@exec $(PY) -m tests.prove $(CLAIM)

lock: ## write the lock files afresh from pyproject.toml (needs `uv`)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url --no-header \
	  --upgrade pyproject.toml --group setup -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url --no-header \
	  --upgrade pyproject.toml --group setup --group test -c requirements.lock -o requirements-test.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url --no-header \
	  --upgrade --group pyproject.toml:bench -c requirements.lock -o requirements-bench.lock

clean: ## remove all that was made here, the city's data too; downloads stay in the user's cache
	@$(PYTHON) -m app.setup clean
