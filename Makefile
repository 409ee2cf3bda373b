# `make quickstart` sets everything up and runs the main job; `make test` passes the tests.
PYTHON ?= python3
COUNT  ?= 5000
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check

quickstart: $(VENV)/installed
	$(BIN)/entrack run specs/quickstart.et --out out/quickstart

test: check
	$(BIN)/python -m pytest

# Both executors on COUNT cases that are drawn anew each time; `make test` has some hundred, always the same.
differential: $(VENV)/installed-dev
	ENTRACK_DIFFERENTIAL_COUNT=$(COUNT) $(BIN)/python -m pytest tests/differential

check: $(VENV)/installed-dev
	$(BIN)/ruff check entrack tests benchmarks
	$(BIN)/mypy

bench-quick: $(VENV)/installed
	$(BIN)/python -m benchmarks --size quick

# What is promised, tried again and again: make torture COUNT=50, ONLY="kills specs", SEED=7 (docs/trust.md).
torture: $(VENV)/installed-dev
	PYTHONPATH=tests $(BIN)/python -m torture --count $(or $(COUNT),1) $(if $(SEED),--seed $(SEED)) $(ONLY)

docs: $(VENV)/installed-dev
	$(BIN)/python docs/build.py

smollm2: $(VENV)/installed-dev
	$(BIN)/python specs/ioi/fetch_smollm2.py

lora: smollm2
	mkdir -p specs/boxes_smollm2/smollm2
	cp specs/ioi/smollm2/* specs/boxes_smollm2/smollm2/

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml constraints.txt $(VENV)/bin/python
	$(PIP) --constraint constraints.txt --editable .
	touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(PIP) --constraint constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) out dist

.PHONY: quickstart test differential torture check bench-quick docs smollm2 lora clean
