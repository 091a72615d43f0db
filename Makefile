PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt

# Pytest processes: more than the build server has cores, because many tests wait for servers and processes to start.
PROCESSES ?= 4
PYTEST := $(BIN)/python -m pytest --numprocesses $(PROCESSES) --dist worksteal

# Container images often set this; the tests start hundreds of processes, each of which would compile all modules again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install demo test test-slow test-all lint format bench gpu chaos clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.installed ## Create .venv with everything that tests need

$(VENV)/.installed: $(VENV)/.brandpress
	@echo "Installing what the tests need into $(VENV); this takes some minutes …"
	$(PIP_INSTALL) --editable '.[test]'
	touch $@

$(VENV)/.brandpress: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "brandpress needs Python 3.11 or newer: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)
	@echo "Installing brandpress with torch and Ray into $(VENV); this takes some minutes …"
	$(PIP_INSTALL) --editable .
	touch $@

demo: $(VENV)/.brandpress ## Render jobs/demo.yaml and its contact sheet, out/demo.png
	$(BIN)/brandpress render jobs/demo.yaml
	$(BIN)/brandpress sheet jobs/demo.yaml --out out/demo.png

lint: install ## Check with ruff, mypy and import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m tests.checkout
	$(BIN)/mypy
	PYTHONPATH=build/checkout $(BIN)/lint-imports

test: lint ## Lint and run all but the slow tests (PROCESSES=8 on a larger machine)
	$(PYTEST) -m "not slow"

test-slow: install ## Run the slow tests; with SINCE=COMMIT only those that cover something changed since then
	$(PYTEST) -m slow $(if $(SINCE),--since $(SINCE))

test-all: lint ## Lint and run all tests
	$(PYTEST)

format: install ## Apply ruff's fixes and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: install ## Measure and write docs/benchmarks.md (takes an hour)
	$(BIN)/python -m tests.bench --json out/benchmarks.json --write docs/benchmarks.md

gpu: install ## Check and measure on a GPU and write docs/gpu.md (ARGS=--cpu-tiny for small sizes on a CPU)
	$(BIN)/python -m tests.gpu $(ARGS)

chaos: install ## Render campaigns while drivers, workers and the S3 server are killed (takes minutes)
	$(BIN)/python -m tests.chaos

clean: ## Remove .venv and build
	rm -rf $(VENV) build
