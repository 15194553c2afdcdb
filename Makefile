# Two commands on a machine with Python 3.11 and make: `make demo` and `make test`.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: help setup demo test browser faults check format lint types contracts up down status clean

help: ## what there is to make
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/.installed ## a virtual environment with everything that the lock names

$(VENV)/.installed: uv.lock pyproject.toml shared/pyproject.toml schemas/pyproject.toml $(wildcard services/*/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Farandole needs Python 3.11 or newer: make PYTHON=/path/to/python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(BIN)/uv sync --frozen --all-packages --all-groups --compile-bytecode --quiet
	@$(BIN)/python -m compileall -q shared/src schemas/src services
	@touch $@

demo: setup ## the 830 Northwind orders through every service, then an audit
	@$(BIN)/farandole demo $(ARGS)

test: setup ## every test; says which backend it uses
	@$(BIN)/pytest --ignore tests/browser $(ARGS)
	@$(BIN)/pytest tests/browser

browser: setup ## the console in a real Chromium; pictures go to artefacts/browser
	@$(BIN)/pytest tests/browser $(ARGS)

faults: setup ## kill, stop and cut a whole mesh under load, then look what it lost: PROFILE=short|pr|long SEED=n
	@$(BIN)/python tests/faults --profile $(or $(PROFILE),short) $(if $(SEED),--seed $(SEED)) $(ARGS)

check: format lint types contracts ## everything that can be known without running it

format: setup
	@$(BIN)/ruff format --check .

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports

types: setup
	@$(BIN)/mypy
	@$(BIN)/basedpyright

contracts: setup
	@$(BIN)/farandole contracts check

up: setup ## the embedded mesh, until Ctrl-C
	@$(BIN)/farandole up $(ARGS)

down: setup ## end a mesh that runs elsewhere
	@$(BIN)/farandole down $(ARGS)

status: setup ## what runs, and where
	@$(BIN)/farandole status $(ARGS)

clean: ## remove the state of the embedded mesh and every cache
	rm -rf .farandole .pytest_cache .mypy_cache .ruff_cache .hypothesis artefacts
