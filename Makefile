# blockfactor. Every target does its own set-up; "make help" lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Processes of pytest. Simulations are compiled, so more need more memory as well.
JOBS ?= 2
PYTEST := $(BIN)/python -m pytest -q -n $(JOBS)
SLOW := cocotb or synth

.DEFAULT_GOAL := help
.PHONY: help venv demo test test-fast lint docs boards bench clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

venv: $(STAMP)  ## make .venv with everything in it (PYTHON=... chooses the interpreter)

# No recipe runs before these are right: their own messages come late or say little.
$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "make: $(PYTHON) is not there: install Python 3.11 or newer, or say make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "make: blockfactor needs Python 3.11 or newer, $(PYTHON) is" \
	    "$$($(PYTHON) -c 'import platform; print(platform.python_version())'): say make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "make: $(PYTHON) cannot make virtual environments: install the Debian package" \
	    "python3-venv (or python$$($(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(STAMP): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: $(STAMP)  ## decode digits in simulated hardware, then 40 random queries
	$(BIN)/python examples/demo.py

# Two goes: a mistake in a quick test shows before the simulators start.
test: $(STAMP)  ## run all tests
	$(PYTEST) -m "not ($(SLOW))"
	$(PYTEST) -m "$(SLOW)"

test-fast: $(STAMP)  ## run the tests that start no simulator and no synthesis
	$(PYTEST) -m "not ($(SLOW))"

lint: $(STAMP)  ## check the style
	$(BIN)/python -m ruff check .

docs: $(STAMP)  ## write the generated pages of docs/ anew
	$(BIN)/python tests/refused_inputs.py
	$(BIN)/python tests/rp2040_page.py
	$(BIN)/python -m blockfactor.generator.documents docs
	$(BIN)/python -m blockfactor.boards.boards_page docs/boards.json docs/boards.md README.md
	$(BIN)/python -m blockfactor.boards.flash_page docs/flash.md

boards: $(STAMP)  ## bitstreams of all boards, eight seeds each, and their figures (an hour or more)
	$(BIN)/blockfactor report --boards --seeds 8 --jobs $(JOBS) --check --json docs/boards.json --markdown docs/boards.md
	$(BIN)/python -m blockfactor.boards.boards_page docs/boards.json docs/boards.md README.md

bench: $(STAMP)  ## run the benchmarks
	@set -e; for file in bench/[!_]*.py; do echo "== $$file"; $(BIN)/python "$$file"; done

clean:  ## remove everything that was made
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache
	rm -rf *.egg-info src/*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
