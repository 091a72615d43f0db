PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: install demo test lint format bench gpu chaos clean

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "brandpress needs Python 3.11 or newer: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]'
	touch $@

demo: install
	$(BIN)/brandpress render jobs/demo.yaml
	$(BIN)/brandpress sheet jobs/demo.yaml --out out/demo.png

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m tests.checkout
	$(BIN)/mypy

# The model's tests need one core each, and go two at a time; the others start servers and clusters of their own.
test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile tests/model
	$(BIN)/python -m pytest --ignore tests/model

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: install
	$(BIN)/python -m tests.bench --json out/benchmarks.json --write docs/benchmarks.md

gpu: install
	$(BIN)/python -m tests.gpu $(ARGS)

chaos: install
	$(BIN)/python -m tests.chaos

clean:
	rm -rf $(VENV) build out
