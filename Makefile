# Everything a person does with this project from a fresh clone. Needs Python >= 3.11 with pip, and make.

PYTHON ?= python3
WORKERS ?= 2
RUN ?= runs/demo

BIN := .venv/bin
INSTALLED := .venv/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help install system-packages check test docs science bench bench-system run lock clean

help:  ## Say what can be made.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(INSTALLED)  ## Make .venv and install the pinned requirements and the project (one to two minutes).

# Done again only when the requirements or the project's description change.
$(INSTALLED): requirements/test.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11")'
	@echo "Installing into .venv: about 1 GB, one to two minutes with a good connection"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(PIP) install --quiet --progress-bar off --require-hashes --requirement requirements/test.txt
	@$(PIP) install --quiet --progress-bar off --no-deps --no-build-isolation --editable .
	@touch $@

system-packages:  ## Install what some tests need besides (Debian: browser, Prometheus, PostgreSQL, Redis).
	.ci/system-packages

check: $(INSTALLED)  ## Lint, formatting, types, and who may import whom.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

test: $(INSTALLED)  ## Run every test (about twelve minutes on two cores).
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile

docs: $(INSTALLED)  ## Write the references from the code and build the documentation into build/docs.
	$(BIN)/python -m docs.references
	$(BIN)/python -m shared.metrics
	$(BIN)/mkdocs build --clean

science: $(INSTALLED)  ## Run only the tests of the science.
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile tests/science

bench: $(INSTALLED)  ## Measure speed and memory and print the table.
	$(BIN)/python benchmarks/bench.py

bench-system: $(INSTALLED)  ## Measure the running system: speed, idle load, memory.
	$(BIN)/python -m benchmarks.system

run: $(INSTALLED)  ## Run the whole system against a simulated upstream: releases appear in runs/demo. Ctrl-C stops it.
	$(BIN)/gravstream run --home $(RUN)

LOCK := CUSTOM_COMPILE_COMMAND='make lock' build/lock/bin/pip-compile --quiet --generate-hashes --strip-extras \
	--allow-unsafe --no-emit-options --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	--build-deps-for editable pyproject.toml

lock:  ## Renew the requirement files after a change of the dependencies in pyproject.toml.
	@test -x build/lock/bin/pip-compile || { $(PYTHON) -m venv build/lock && build/lock/bin/python -m pip install --quiet pip-tools; }
	$(LOCK) --output-file requirements/run.txt
	$(LOCK) --extra test --constraint requirements/run.txt --output-file requirements/test.txt

clean:  ## Remove what was made, except the archive and product of runs/.
	rm -rf .venv build/lock build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find shared services tests -name __pycache__ -type d -prune -exec rm -rf {} +
