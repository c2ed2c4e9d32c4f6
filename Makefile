# Everything lives in this folder: the environment in .venv, the projects in .coderai, Dagster's storage in dagster_home.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
UI_PORT ?= 3000
# Two of the pinned packages have no wheels for this version of Python or later ones, and would ask for compilers.
TOO_NEW := 3.14

export PYTHONWARNINGS := ignore::UserWarning,ignore::DeprecationWarning
export CODERAI_UI_URL ?= http://127.0.0.1:$(UI_PORT)

.PHONY: demo ui test lint tests lock older clean

demo: $(READY)  ## documents in, dataset and exports out: no key, no server
	@$(BIN)/coderai demo

ui: $(READY)  ## the Dagster UI with the demo projects, sensors on
	@$(BIN)/coderai demo --no-run
	@$(BIN)/coderai ui --port $(UI_PORT)

test: $(READY)  ## style, types, boundaries and tests, at the same time: types keep one core busy for half a minute
	@$(MAKE) --no-print-directory --jobs=2 lint tests

tests: $(READY)
	@$(BIN)/pytest -n 2

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/basedpyright
	@$(BIN)/lint-imports

lock:  ## pins every dependency, without naming where it comes from
	@$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --group dev --extra telemetry --python-version 3.11 pyproject.toml -o requirements.lock

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed; name it: make PYTHON=python3.12 ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info >= tuple(map(int, "$(TOO_NEW)".split("."))))' || $(MAKE) --no-print-directory older
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes --requirements requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m coderai_pipeline.readers.language  # unpacks its model, once for all processes
	@touch $(READY)

older:  # the environment with an older Python: one that is installed, else one that uv fetches
	@$(BIN)/uv venv --quiet --clear --seed --python '>=3.11,<$(TOO_NEW)' $(VENV) || { echo "Python 3.11 or later, but before $(TOO_NEW), is needed; name it: make PYTHON=python3.13 ..."; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

clean:  ## removes the environment and the demo projects
	rm -rf $(VENV) .coderai dagster_home/history dagster_home/schedules dagster_home/storage dagster_home/logs
