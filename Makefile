# Each target does its own set-up from a clean checkout; a second call finds it done.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

# Official files are taken from a folder beside the checkout if there is one, else downloaded.
export ITERBENCH_ASSETS ?= $(abspath $(wildcard ../shared/assets))

.PHONY: install demo test check lint types contracts bench readme clean

install: $(VENV)/core

demo: $(VENV)/train
	$(BIN)/python run_eval.py demo

# One thread each: tiny networks are slower on several, and the workers take the cores.
test: $(VENV)/dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto --dist loadfile -m 'not network and not api and not gpu' \
		--cov --cov-report=term --cov-fail-under=98

check: lint types contracts test

lint: $(VENV)/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/dev
	$(BIN)/mypy

contracts: $(VENV)/dev
	$(BIN)/lint-imports

bench: $(VENV)/bench
	OMP_NUM_THREADS=1 $(BIN)/python -m bench.length_control
	OMP_NUM_THREADS=1 $(BIN)/python -m bench.judging
	OMP_NUM_THREADS=1 $(BIN)/python -m bench.training
	OMP_NUM_THREADS=1 $(BIN)/python -m bench.sampling
	OMP_NUM_THREADS=1 $(BIN)/python -m bench.bradley_terry
	OMP_NUM_THREADS=1 $(BIN)/python -m bench.exact
	OMP_NUM_THREADS=1 $(BIN)/python -m bench.lm_eval
	OMP_NUM_THREADS=1 $(BIN)/python -m bench.series
	OMP_NUM_THREADS=1 $(BIN)/python -m bench.likelihood_memory --requests 1000
	OMP_NUM_THREADS=1 $(BIN)/python -W ignore -m bench.pairrm --pairs 20 --rounds 1

readme: $(VENV)/core
	$(BIN)/python -m tests.readme

clean:
	rm -rf $(VENV) build *.egg-info

$(VENV)/python: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/core: $(VENV)/python
	$(PIP) -e .
	touch $@

$(VENV)/train: $(VENV)/python
	$(PIP) -e '.[train]'
	touch $@ $(VENV)/core

$(VENV)/dev: $(VENV)/python
	$(PIP) -e '.[dev]'
	touch $@ $(VENV)/core $(VENV)/train

$(VENV)/bench: $(VENV)/dev
	$(PIP) -e '.[dev,alpaca-eval]'
	touch $@
