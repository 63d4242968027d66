# Everything works in .venv of this checkout. Needed beforehand: Python 3.11 or later with venv, and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
# A file is tested in one process: what it shares is made once, and what it needs compiled, too. They are one more
# than the two cores: about 150 seconds of the tests are waits, for a broker's group or a server that is away.
TEST := $(PYTEST) -n 3 --dist loadfile --no-loadscope-reorder -m "not servers"

# Where it is set, each of the hundred processes that tests start compiles all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo test lint check servers kafka simulate bench clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/ready-to-develop ## make the virtual environment with all that development needs

demo: $(VENV)/ready ## run the whole system on an embedded broker: make demo DEMO_ARGS="--alerts FILE"
	$(BIN)/driftbus demo $(DEMO_ARGS)

test: setup ## run all tests that need no server
	$(TEST)

lint: setup ## run the linters, the type checker and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint ## lint, then test and show the coverage: what must pass before a change is sent
	$(TEST) --cov --cov-report=term

servers: ## fetch a real Redis and Kafka; then: .venv/bin/python -m pytest -m servers
	deploy/servers/install-redis
	deploy/servers/fetch-kafka

kafka: ## run a real Kafka on 127.0.0.1:9092 until Ctrl-C
	deploy/servers/fetch-kafka
	deploy/servers/kafka run

simulate: setup ## run schedules full of faults against the uninterrupted run: make simulate SEEDS=1000
	$(BIN)/python -m tests.simulator --seeds $(or $(SEEDS),1000)

bench: setup ## measure the throughput: make bench BENCH_ARGS="--json FILE"
	$(BIN)/python -m benchmarks.throughput $(BENCH_ARGS)

clean: ## remove the virtual environment, the servers, caches and builds
	rm -rf $(VENV) .servers .benchmarks .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf .coverage* build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps are newer than pyproject.toml when what it asks for is installed.
$(BIN)/python:
	@$(PYTHON) -c 'import ensurepip, sys; assert sys.version_info >= (3, 11)' 2>/dev/null || \
	  { echo "driftbus needs Python 3.11 or later with venv (Debian: python3-venv)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/ready: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/ready-to-develop: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $(VENV)/ready $@
