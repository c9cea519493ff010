# MultiRoute's workspace. `make` alone explains itself. Needs Python 3.11+, pip and make; everything else goes to .venv.

VENV  := .venv
BIN   := $(VENV)/bin
LOCK  := requirements.lock.txt
# Every folder that builds a distribution; core first, so that plugins find it.
DISTS := core $(patsubst %/pyproject.toml,%,$(sort $(wildcard plugins/*/pyproject.toml contrib/*/pyproject.toml)))

# Extra arguments for pytest:   make test PYTEST_ARGS="core/tests -k lease"
PYTEST_ARGS ?=
# Processes that run tests:     make test WORKERS=0   (0 = one after another, in this process)
WORKERS ?= 2

# Tools read their settings from pyproject.toml; pip's chatter about itself is noise here.
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL: # the tests run last: their closing line is the last line
.PHONY: help env demo test pytest lint types surface wheels lock clean

help: ## what can be done here
	@echo 'On a fresh machine, these two are enough:'
	@echo
	@echo '    make demo     set everything up, then watch a request being routed (under a minute after set-up)'
	@echo '    make test     set everything up, then run every check'
	@echo
	@echo 'All targets:'
	@echo
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "    make %-8s %s\n", $$1, $$2 }'
	@echo
	@echo 'Narrow a test run:  make pytest PYTEST_ARGS="core/tests/wire -k sse"      one process:  WORKERS=0'

# ---- the environment: two stamps, so that a second run costs nothing

env: $(VENV)/.editable ## .venv with everything locked by hash, our packages editable

# The first interpreter that runs and is new enough. A shim that exists but does not run is passed over.
$(BIN)/python:
	@for python in $(or $(PYTHON),python3.11 python3.12 python3.13 python3.14 python3 python); do \
		if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
			echo "$$python -m venv $(VENV)"; \
			"$$python" -m venv $(VENV) && exit 0; \
			echo "make env: $$python cannot make a virtual environment (on Debian: apt install python3-venv)" >&2; \
			exit 1; \
		fi; \
	done; \
	echo 'make env: no Python 3.11 or newer found; install one, or name it: make env PYTHON=/path/to/python3.11' >&2; \
	exit 1

$(VENV)/.locked: $(LOCK) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --require-hashes -r $(LOCK)
	@touch $@

# --no-deps: our own names are not on any index and must never be looked up there.
$(VENV)/.editable: $(VENV)/.locked pyproject.toml $(DISTS:%=%/pyproject.toml)
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation $(DISTS:%=-e ./%)
	@touch $@

# ---- what people come for

demo: env ## the main job, on this machine, without an account
	$(BIN)/python docs/demo/demo.py

test: lint types pytest ## every check: ruff, import contracts, mypy, pytest

# ---- the checks, one by one

pytest: env ## the tests alone
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(PYTEST_ARGS)

lint: env ## ruff, and the import contracts (layers, public surface)
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo

types: env ## mypy --strict over core and plugins
	$(BIN)/mypy

surface: env ## write the public surface anew, after a change of the contract that is meant
	$(BIN)/python tests/architecture/surface.py --write

# ---- what is given away

wheels: env ## every distribution as a wheel, into dist/
	rm -rf dist
	@for folder in $(DISTS); do \
		$(BIN)/python -m build --wheel --no-isolation --outdir dist "$$folder" >dist.log 2>&1 \
			|| { cat dist.log; rm -f dist.log; exit 1; }; \
	done; rm -f dist.log
	@ls dist

# ---- maintenance

# No address of an index, and no path of this machine, goes into the file.
lock: $(VENV)/.uv/bin/uv ## resolve core's dependencies and the tools anew, with hashes
	$< pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-header --no-emit-index-url --no-emit-find-links --output-file $(LOCK) \
		core/pyproject.toml --group pyproject.toml:dev >/dev/null

$(VENV)/.uv/bin/uv: | $(BIN)/python
	$(BIN)/python -m venv $(VENV)/.uv
	$(VENV)/.uv/bin/python -m pip install --quiet 'uv>=0.5'

clean: ## remove .venv, wheels and caches
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find core plugins contrib tests docs -name __pycache__ -type d -prune -exec rm -rf {} +
