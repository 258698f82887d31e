# Each target makes .venv and installs what it needs, the first time only, with the tested versions of constraints.txt.
# Another Python: make PYTHON=/path/to/python3.11 demo.   More arguments: make test ARGS="-k order"

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

export OMP_WAIT_POLICY := PASSIVE
export PIP_DISABLE_PIP_VERSION_CHECK := 1

BIN := .venv/bin
PIP := $(BIN)/python -m pip install -qq -c constraints.txt
ARGS ?=

.NOTPARALLEL:
.PHONY: help demo music test bench docs lint types clean

help: ## say what the targets do
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-6s %s\n", $$1, $$2 }' Makefile

demo: .venv/core.stamp ## train on real handwriting, make pictures and a report
	@$(BIN)/latune demo $(ARGS)

music: .venv/core.stamp ## the same with music: train on Bach's melodies, edit, hear and engrave them
	@$(BIN)/python -c "import music21, symusic, verovio" 2> /dev/null || $(PIP) music21 symusic verovio
	@$(BIN)/latune demo --music $(ARGS)

# Tests of whole commands, pages and experiments, and of what learns for long; shapes are checked in the tests of the parts,
# which takes a third more.
WHOLE := $(wildcard $(addprefix tests/test_, \
	studio_*.py papers*.py examples.py space_melodies.py cli*.py report.py classifier.py tunes.py \
	control_*.py keep.py metrics_properties.py metrics_bootstrap.py))
# A file's tests share trained models, so one process runs them all; in the order of their names, not of their number.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest -q -n auto --maxprocesses 8 --dist loadfile --no-loadscope-reorder

test: .venv/dev.stamp ## run all tests
	@bash .ci/browser || echo "Without a browser the studio's pages are not tested"
ifeq ($(ARGS),)
	@echo "Testing whole commands"
	@$(PYTEST) --jaxtyping-packages= $(WHOLE)
	@echo "Testing the parts, with their shapes"
	@$(PYTEST) $(addprefix --ignore=,$(WHOLE))
else
	@$(PYTEST) $(ARGS)
endif

bench: .venv/dev.stamp ## run the benchmarks, one after the other
	@for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python "$$file" $(ARGS); done

docs: .venv/docs.stamp ## build the documentation; warnings are errors
	@echo "Building the documentation in docs/_build/html"
	@$(BIN)/sphinx-build -q -W --keep-going docs docs/_build/html

lint: .venv/dev.stamp ## check style and formatting
	@echo "Checking style and formatting"
	@$(BIN)/ruff check -q --output-format concise
	@$(BIN)/ruff format -q --check

types: .venv/dev.stamp ## check types
	@echo "Checking types"
	@$(BIN)/basedpyright

clean: ## remove what checks and builds left; .venv and runs stay
	@echo "Removing caches, built documentation and packages"
	@rm -rf docs/_build docs/generated dist .bench .pytest_cache .ruff_cache .hypothesis
	@find src tests benchmarks docs -name __pycache__ -type d -prune -exec rm -rf {} +

# The version that the constraints are tested with comes first; any newer one may do.
.venv/made.stamp:
	@for python in $(PYTHON) python3.11 python3; do \
		if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then \
			echo "Making .venv with $$("$$python" --version)"; "$$python" -m venv .venv; touch $@; exit 0; \
		fi; \
	done; \
	echo "Latune needs Python 3.11 or newer; $$(python3 --version 2> /dev/null || echo 'no python3') was found." >&2; \
	echo "Install it, or name it: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1

# torch by itself first: with its exact version from the constraints, a build that is on hand (for the CPU, say) is taken.
.venv/core.stamp: .venv/made.stamp pyproject.toml constraints.txt
	@echo "Installing torch"
	@$(PIP) torch
	@echo "Installing Latune and what it needs"
	@$(PIP) hatchling editables
	@$(PIP) --no-build-isolation -e .
	@touch $@

.venv/%.stamp: .venv/core.stamp
	@echo "Installing the tools of the extra '$*'"
	@$(PIP) --no-build-isolation -e ".[$*]"
	@touch $@
