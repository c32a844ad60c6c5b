# Everything that is done with this project, for people and for CI alike. `make` alone lists it.

PYTHON   ?=
VENV     ?= .venv
PARALLEL ?= -n auto --maxprocesses 4
ARGS     ?=

BIN      := $(VENV)/bin
INSTALL  := scripts/install.sh
COVERAGE := $(BIN)/python -m coverage
SUITE    := $(BIN)/python scripts/suite.py

# Two stages, so that the demo does not wait for the tools of development.
RUNNABLE    := $(VENV)/.installed-to-run
DEVELOPABLE := $(VENV)/.installed-to-develop

# A program that the tests run, with dependencies that need not fit ours.
LITELLM      := build/venvs/litellm
LITELLM_DONE := $(LITELLM)/.installed

# The peers of the benchmarks, none of which we need otherwise.
BENCHMARKS      := build/venvs/benchmarks
BENCHMARKS_DONE := $(BENCHMARKS)/.installed

.DEFAULT_GOAL := help

help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  PYTHON=python3.12 names the interpreter, ARGS='-k retry' is passed on to pytest."

install: $(DEVELOPABLE) ## Make .venv with everything needed to develop

$(VENV)/pyvenv.cfg:
	@python=$$(scripts/python.sh "$(PYTHON)") && echo "making $(VENV) with $$python" && "$$python" -m venv $(VENV)

$(RUNNABLE): pyproject.toml | $(VENV)/pyvenv.cfg
	@echo "installing everstream and its command into $(VENV)"
	@$(INSTALL) $(BIN)/python --editable '.[cli,testing]'
	@touch $@

$(DEVELOPABLE): pyproject.toml | $(VENV)/pyvenv.cfg
	@echo "installing everstream and the tools of development into $(VENV)"
	@$(INSTALL) $(BIN)/python --editable '.[dev]'
	@touch $(RUNNABLE) $@

$(LITELLM_DONE): tests/integration/litellm.txt
	@python=$$(scripts/python.sh "$(PYTHON)") && "$$python" -m venv --clear --without-pip $(LITELLM)
	@echo "installing the proxy of litellm into $(LITELLM)"
	@$(INSTALL) $(LITELLM)/bin/python --requirement $<
	@touch $@

$(BENCHMARKS_DONE): benchmarks/requirements.txt pyproject.toml
	@python=$$(scripts/python.sh "$(PYTHON)") && "$$python" -m venv --clear --without-pip $(BENCHMARKS)
	@echo "installing everstream and its peers into $(BENCHMARKS)"
	@$(INSTALL) $(BENCHMARKS)/bin/python --requirement $< --editable .
	@touch $@

demo: $(RUNNABLE) ## Watch a stream survive a bad network; URL=... tails that URL instead
	@$(BIN)/everstream $(if $(URL),tail '$(URL)',demo)

picture: $(RUNNABLE) ## Export the picture of the demo that the README shows
	$(BIN)/everstream demo --svg docs/_static/demo.svg

test: $(DEVELOPABLE) ## Run the tests, the code blocks of the docs among them; COVER=1 counts branches
	$(if $(COVER),$(COVERAGE) erase)
	$(BIN)/python $(if $(COVER),-m coverage run) -m pytest $(PARALLEL) $(ARGS)

litellm: $(LITELLM_DONE) ## Install the proxy of litellm, a server that `make integration` needs

integration: $(DEVELOPABLE) ## Run the tests on real servers: nginx with nchan, uvicorn, redis, litellm
	$(BIN)/python -m pytest -m integration -n 3 --dist worksteal tests/integration $(ARGS)

bench: $(BENCHMARKS_DONE) ## Measure everstream beside its peers and write the results into the docs; QUICK=1 only prints
	$(BENCHMARKS)/bin/python -m benchmarks $(if $(QUICK),--quick,--write) $(ARGS)

format: $(DEVELOPABLE) ## Format the code and apply the safe fixes
	$(BIN)/ruff check --fix --quiet || true
	$(BIN)/ruff format

lint: $(DEVELOPABLE) ## Lint the code and check the spelling
	$(BIN)/ruff check
	$(BIN)/codespell

format-check: $(DEVELOPABLE) ## Check that the code is formatted
	$(BIN)/ruff format --check

types: $(DEVELOPABLE) ## Check the types, with mypy and pyright
	$(BIN)/mypy
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright --pythonpath $(BIN)/python

coverage: $(DEVELOPABLE) ## Report the branches that `make test COVER=1` took: all of core/, 95 % of the whole
	$(COVERAGE) combine --quiet
	$(COVERAGE) report
	$(COVERAGE) report --include='*/everstream/core/*' --fail-under=100

cover: $(DEVELOPABLE) ## Run the tests and report the coverage
	@$(MAKE) --no-print-directory test COVER=1
	@$(MAKE) --no-print-directory coverage

docs: $(DEVELOPABLE) ## Build the documentation, without a warning
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going --nitpicky --fresh-env docs docs/_build/html
	@echo "docs/_build/html/index.html"

wheel: $(DEVELOPABLE) ## Run the tests against the wheel, with the newest Python and the newest dependencies
	$(SUITE) newest $(PARALLEL) $(ARGS)

lowest: $(DEVELOPABLE) ## The same with the oldest Python and the lowest versions of the core dependencies
	$(SUITE) lowest $(PARALLEL) $(ARGS)

pythons: $(DEVELOPABLE) ## The same on every supported Python of this machine
	$(SUITE) pythons $(PARALLEL) $(ARGS)

check: lint format-check types cover docs wheel ## Run all checks that a change must pass

clean: ## Remove .venv and everything that was built
	rm -rf $(VENV) build dist docs/_build .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find src tests scripts docs benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# The targets of `check` use the same two processors.
.NOTPARALLEL:
.PHONY: help install demo picture test litellm integration bench format lint format-check types cover coverage docs wheel lowest \
	pythons check clean
