# Targets for people and CI; `make help` lists them.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

demo: $(VENV)/run ## An incident from first alert to proposed fix; leaves its page running (ARGS=--once exits)
	@$(BIN)/brain demo $(ARGS)

test: $(VENV)/dev ## All tests; those that need a real server skip where it cannot be built (ARGS= goes to pytest)
	@$(BIN)/pytest $(ARGS)

lint: $(VENV)/dev ## Formatting, lint, types, layers
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --verbose

servers: $(VENV)/dev ## Build Prometheus, Thanos, Kubernetes, OpenSearch, … into a cache, once
	@$(BIN)/python tests/servers/build.py

bench: $(VENV)/dev servers ## Run all benchmarks but `rca`, which needs data sets of yours, and print their figures
	@status=0; for name in analysis intake crash outage rca-scale lab lake exporters otel otel-soak; do $(BIN)/brain bench $$name --json || status=1; done; exit $$status

peers: $(VENV)/peers/done ## Published methods in an environment of their own, for brain bench rca --peers

proto: $(VENV)/dev ## Regenerate the gRPC stubs
	@PYTHON=$(BIN)/python proto/generate.sh

lock: $(VENV)/uv ## Bring the locked versions up to date
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --extra all \
	    --python-version 3.11 --upgrade pyproject.toml -o requirements/run.txt
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --extra all --group dev \
	    --python-version 3.11 --constraint requirements/run.txt pyproject.toml -o requirements/dev.txt
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url \
	    --python-version 3.11 --upgrade requirements/peers.in -o requirements/peers.txt

clean: ## Remove the environment and caches of tools
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/uv:
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed; or name another: make PYTHON=python3.12 …"; exit 1; }
	@echo "creating the environment in $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.9"
	@touch $@

$(VENV)/run: $(VENV)/uv requirements/run.txt pyproject.toml
	@test -e $(VENV)/dev || { echo "installing the product …"; \
	    $(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements/run.txt; \
	    $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .; }
	@touch $@

$(VENV)/dev: $(VENV)/uv requirements/dev.txt pyproject.toml
	@echo "installing the product and the tools of development …"
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@ $(VENV)/run

$(VENV)/peers/done: $(VENV)/uv requirements/peers.txt
	@echo "installing the methods to compare with …"
	@$(PYTHON) -m venv $(VENV)/peers
	@$(BIN)/uv pip sync --quiet --python $(VENV)/peers/bin/python --require-hashes requirements/peers.txt
	@touch $@

.PHONY: help demo test lint servers bench peers proto lock clean
