# Everything a person runs. Each target sets up what it needs on a machine with Python >= 3.11 and make.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.DELETE_ON_ERROR:

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help setup demo up down clean test check fmt bench parity faults lock

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

setup: .venv/.python .venv/.node ## what every other target needs: Python packages, Node and its packages

.venv/.python: requirements/development.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: no Python >= 3.11 on the PATH: install one, or say PYTHON=/where/it/is" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { echo "make: the venv module is missing: on Debian, apt-get install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/development.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Node from the machine where it is new enough, else from a Python package, so that Python and make suffice.
.venv/.node: .venv/.python requirements/node.txt package-lock.json
	@$(BIN)/python -m stack.node || $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/node.txt
	$(BIN)/python -m stack.node install
	@touch $@

# The pages' packages, and the dashboard as the control API serves it.
.venv/.web: .venv/.node package-lock.json $(shell git ls-files dashboard 2>/dev/null)
	$(BIN)/python -m stack.node npm ci --no-audit --no-fund --loglevel=error
	$(BIN)/python -m stack.node npm run --silent build:dashboard
	@touch $@

demo: setup ## the product at work, in under three minutes: two backends, weights, differences, a way back
	@$(BIN)/python -m stack.story

up: setup .venv/.web ## everything on this machine until Ctrl-C; prints where to go
	@$(BIN)/python -m stack up

down: ## stop what `make up` started
	@test ! -x $(BIN)/python || $(BIN)/python -m stack down

clean: down ## remove everything that running wrote (databases, logs, secrets); the installation stays
	@test ! -x $(BIN)/python || $(BIN)/python -m stack clean
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage htmlcov

test: setup .venv/.web ## all tests, on real servers
	$(BIN)/python -m pytest $(PYTEST_OPTIONS)

check: setup ## lint, types, architecture and the shipped schema; changes nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	cd django_backend && ../$(BIN)/mypy --config-file mypy.ini
	$(BIN)/lint-imports --no-cache
	@$(BIN)/cutover config schema | diff config/cutover.schema.json - || { echo "config/cutover.schema.json is not what the settings say: make fmt" >&2; exit 1; }

fmt: setup ## put the code and what is made from it in form
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format .
	$(BIN)/cutover config schema > config/cutover.schema.json

parity: setup ## both backends compared by the product's own eye: >= 20,000 exchanges, every planted bug (ROUNDS=, SECONDS=)
	@$(BIN)/python -m tests.parity

faults: setup ## kill -9 and frozen parts under load, in both directions; goes on where it was stopped (ROUNDS=200)
	@$(BIN)/python -m tests.faults $(if $(ROUNDS),--rounds $(ROUNDS))

bench: setup ## the edge beside public peers, writes with and without the journal, rows beside pg_dump, as ratios (SCALE=)
	@$(BIN)/python -m bench$(if $(SCALE), --scale $(SCALE))

lock: .venv/.python ## pin the newest versions that fit pyproject.toml, with hashes and without addresses
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --group backend --group servers --group dev pyproject.toml -o requirements/development.txt
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header pyproject.toml -o requirements/edge.txt
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --group backend -o django_backend/requirements.txt
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --group node -o requirements/node.txt
