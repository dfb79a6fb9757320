# make demo   the paper's whole study of eight environments, small, in out/demo: report.html, explore.html
# make test   everything that CI checks
# Both set up .venv by themselves; `make help` lists the rest.

PYTHON ?= python3
PYTEST_ARGS ?=
LOCK_TOOL := uv==0.13.8

.DELETE_ON_ERROR:
.PHONY: help setup demo test lint format docs audit bench lock clean

help:
	@echo "make demo    the whole study of eight environments, small, into out/demo (goes on where it was stopped)"
	@echo "make test    lint, type check and all tests"
	@echo "make lint    ruff and mypy alone"
	@echo "make format  let ruff rewrite the sources"
	@echo "make docs    write docs/reference from the docstrings"
	@echo "make audit   hold the exact derivative against differences, into results/audit.json (twenty minutes)"
	@echo "make bench   measure Jacobians per second on this machine, into results/bench_jacobian.json"
	@echo "make lock    renew requirements.lock from pyproject.toml (LOCK_ARGS=--upgrade for newer versions)"
	@echo "make clean   remove .venv, caches and out/"

setup: .venv/installed

# Two stamps: a new lock means a new environment, a new pyproject.toml only a new editable install.
.venv/locked: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null || { echo \
	  "dynsparse is locked for Python 3.11 to 3.14, but '$(PYTHON)' is $$({ $(PYTHON) --version; } 2>/dev/null || echo not there); try: make PYTHON=python3.12 $(MAKECMDGOALS)" \
	  >&2; exit 1; }
	@echo "setting up .venv from requirements.lock (one to three minutes, once)"
	@$(PYTHON) -m venv --clear .venv
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

.venv/installed: .venv/locked pyproject.toml
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: .venv/installed
	.venv/bin/dynsparse reproduce --preset smoke --out out/demo

# Two at a time, a file each: more would need more memory than compiling leaves.
test: lint
	.venv/bin/python -m pytest -n auto --maxprocesses 2 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

lint: .venv/installed
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

format: .venv/installed
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

docs: .venv/installed
	.venv/bin/python docs/generate_reference.py

audit: .venv/installed
	.venv/bin/dynsparse audit all --rows 300 --reference --json results/audit.json --overwrite
	.venv/bin/python results/tables.py

bench: .venv/installed
	.venv/bin/dynsparse bench jacobian --json results/bench_jacobian.json --overwrite
	.venv/bin/python results/tables.py

# One version of every package for all Pythons and platforms (fewest), since only one set was tested.
# Neither header, annotations nor addresses: the file says what to install, not from where.
lock:
	@$(PYTHON) -m venv --clear build/lock
	@build/lock/bin/python -m pip install --quiet --disable-pip-version-check '$(LOCK_TOOL)'
	build/lock/bin/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --fork-strategy fewest \
	  --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate $(LOCK_ARGS) \
	  --quiet --output-file requirements.lock

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist out
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
