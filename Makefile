# `make dev` and `make test` set up all they need: Python 3.11+ with venv, and nothing else.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help dev test lint bench soak clean

help:  ## What can be made
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST)

# pip's groups (PEP 735) need pip 25.1. The stamp is remade whenever the dependencies change.
$(VENV)/.user: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "kgents needs Python 3.11 or newer: make PYTHON=python3.12 …"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing kgents into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.user
	@$(BIN)/python -m pip install --quiet --group dev
	@touch $@

dev: $(VENV)/.user  ## Bring up a hive with the example agents, and show it
	@$(BIN)/kgents demo

test: $(VENV)/.dev  ## Run the tests (ARGS='-k pheromone' for some of them)
	$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.dev  ## ruff, mypy and the import arrows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev  ## Measure kgents side by side with its peers
	$(BIN)/python -m benchmarks

soak: $(VENV)/.dev  ## Writers, watchers, kills and restarts for MINUTES=30, and a verdict
	$(BIN)/python -m benchmarks.soak --minutes $(or $(MINUTES),30) $(if $(SEED),--seed $(SEED))

clean:  ## Stop the example hive and remove what was made here
	@test ! -x $(BIN)/kgents || $(BIN)/kgents infra delete --yes --if-exists --name laptop
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
