# Every target makes its own virtual environment first; nothing is needed but Python 3.11+.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench crds image-test clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(STAMP) ## Apply, compute on, scale, break and delete a Dask cluster, on real parts
	$(BIN)/dask-ecs demo $(DEMO_ARGS)

test: $(STAMP) ## Run every test: unit, local AWS, end to end
	@$(BIN)/dask-ecs local build  # first, for no test has the minutes that it takes once
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --cov --cov-report=term:skip-covered $(PYTEST_ARGS)

lint: $(STAMP) ## ruff, mypy, the layers, and whether crds/ is up to date
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/dask-ecs crds --check crds

bench: $(STAMP) ## Measure the operator and its peer: report and plots in build/bench (BENCH_ARGS="--only ready-32")
	@$(BIN)/dask-ecs local build
	PYTHONPATH=tests $(BIN)/python -m bench $(BENCH_ARGS)

crds: $(STAMP) ## Write crds/ from the models in operator/dask_ecs/api
	$(BIN)/dask-ecs crds --output crds

image-test: $(STAMP) ## Build the image without a Docker engine and run it (root on Debian)
	tests/image/run

clean: ## Remove what these targets made in this folder
	rm -rf $(VENV) build dist .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
