# Everything here runs in .venv, which the first target that needs it sets up; it needs only
# git, make and Python 3.11 or newer. PYTHON=/path/to/python chooses another interpreter.
# page, check and heavy need Node.js, and install it there where the machine has none.

VENV := .venv
BIN := $(VENV)/bin
# For what runs in web/: the Node.js of .venv, if it had to be installed there, before any other.
WEB := cd web && PATH="$(CURDIR)/$(BIN):$$PATH"
# npm writes this file when it has installed what web/package-lock.json says.
PAGE_TOOLS := web/node_modules/.package-lock.json
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check
DEMO_OUT := demo-out
# What `make heavy` installs as torch; on a machine without a GPU any CPU build does.
TORCH ?= torch==2.13.0
# How many tests run side by side, for two cores: a third runs while others wait for their servers.
# A file's tests stay together: see tests/conftest.py.
JOBS ?= 3

# The tests start hundreds of processes: without kept bytecode each would compile the package anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test campaigns check page bench faults clean heavy

help:  ## show what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1	\2/'

demo: $(VENV)/runtime.done  ## repaint a photograph and say where the result is
	@$(BIN)/overpaint demo -o $(DEMO_OUT)

test: $(VENV)/dev.done  ## run all tests but the campaigns
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m "not campaign" $(ARGS)

campaigns: $(VENV)/dev.done  ## run the tests that kill nodes, workers and a Ray cluster for minutes
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m campaign tests/acceptance $(ARGS)

check: $(VENV)/dev.done $(VENV)/heavy.done $(PAGE_TOOLS)  ## lint, formatting, types, layers, packaging, the page
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PIP) check
	$(WEB) npm run --silent check
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python scripts/check_page.py npm

page: $(PAGE_TOOLS)  ## build the page, web/, into the package
	@$(WEB) npm run --silent build -- --logLevel warn
	@echo "built into src/overpaint/server/page; it is committed with its source"

heavy: $(VENV)/heavy.done $(PAGE_TOOLS)  ## install torch, Node.js, an older SDK and what else only some tests need

bench: $(VENV)/dev.done  ## measure time and memory, and print the tables
	@set -e; for script in bench/[!_]*.py; do \
	  [ -f "$$script" ] || { echo "there is nothing in bench/"; break; }; \
	  [ "$$script" != bench/faults.py ] || continue; \
	  echo "== $$script"; $(BIN)/python "$$script"; \
	done

faults: $(VENV)/dev.done  ## hurt the service under load; several nodes: ARGS="--nodes 2"
	@$(BIN)/python bench/faults.py $(ARGS)

clean:  ## remove what these targets made
	rm -rf $(VENV) $(DEMO_OUT) web/node_modules build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis \
	  .import_linter_cache
	find src tests bench scripts -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# The runtime dependencies alone, so that the demo is there soon; dev adds the tools. What is
# imported is compiled then: to compile everything here takes as long as to install it.
$(VENV)/runtime.done: pyproject.toml | $(BIN)/python
	@echo "installing into $(VENV) ..."
	@$(PIP) install --upgrade "pip>=25.1"
	@$(PIP) install --no-compile --editable .
	@touch $@

$(VENV)/dev.done: $(VENV)/runtime.done
	@echo "installing the development tools into $(VENV) ..."
	@$(PIP) install --group dev
	@touch $@

$(VENV)/heavy.done: $(VENV)/dev.done
	@echo "installing torch, diffusers and what training needs into $(VENV) ..."
	@$(PIP) install $(TORCH)
	@$(PIP) install --editable ".[train,diffusers,cluster]" --group bench --group browser --group deploy --group bucket
	@echo "installing the older DashScope SDK into build/dashscope-1 ..."
	@rm -rf build/dashscope-1
	@$(PIP) install --no-deps --target build/dashscope-1 dashscope==1.26.2
	@touch $@

$(PAGE_TOOLS): web/package.json web/package-lock.json | $(VENV)/node.done
	@echo "installing what the page is built with into web/node_modules ..."
	@$(WEB) npm ci --loglevel=error
	@touch $@

$(VENV)/node.done: scripts/make_node.sh | $(BIN)/python
	@sh scripts/make_node.sh $(VENV)
	@touch $@

$(BIN)/python:
	@PYTHON="$(PYTHON)" sh scripts/make_venv.sh $(VENV)
