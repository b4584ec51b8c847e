# Two commands matter on a fresh machine: `make demo` and `make test`. Both build .venv from requirements.lock.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-host test-stdlib units-host lint types bench bench-codemods bench-delivery bench-host soak lock clean help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

.venv/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "failloud needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: .venv/.ready ## the example host from silent to loud and back
	$(BIN)/failloud demo

test: .venv/.ready ## the tests; those marked host are skipped, saying so, without FAILLOUD_HOST_TREE
	$(BIN)/python -m pytest

test-stdlib: .venv/.ready ## all codemods over the whole standard library of this Python; prints what they found
	FAILLOUD_STDLIB=whole $(BIN)/python -m pytest -s tests/codemods/test_standard_library.py

# The real host runs in an environment of its own: its requirements, not ours, and our package on top.
HOST_VENV ?= .venv-host

$(HOST_VENV)/.ready: requirements.lock pyproject.toml
	@test -f "$$FAILLOUD_HOST_TREE/requirements.txt" || \
		{ echo "no host tree at FAILLOUD_HOST_TREE='$$FAILLOUD_HOST_TREE': export it first, see docs/host-netra.md" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(HOST_VENV)
	$(HOST_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r "$$FAILLOUD_HOST_TREE/requirements.txt" greenlet
	$(HOST_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[codemods,rollout]' \
		pyrefly pytest pytest-asyncio pytest-randomly
	@touch $@

test-host: $(HOST_VENV)/.ready ## the tests against the real host tree; fails where the tree is absent
	TESTING=1 $(HOST_VENV)/bin/python -m pytest -m host --host-required tests/host

# The host's own unit tests, before and after; in a folder that stays, so that a run that stopped goes on.
UNITS ?= $(abspath .failloud-units)
units-host: $(HOST_VENV)/.ready ## the host's own unit tests: unchanged, with the shims off, on a migrated copy
	$(HOST_VENV)/bin/python -m pip install --quiet --disable-pip-version-check coverage pytest-mock pytest-timeout websocket-client
	$(HOST_VENV)/bin/python tests/host/units --work $(UNITS)

lint: .venv/.ready ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.ready ## mypy, strict
	$(BIN)/mypy

# The peers that the benchmarks measure against: an environment of its own, so that no test can lean on them.
.venv-bench/.ready: requirements-bench.lock pyproject.toml
	$(PYTHON) -m venv --clear .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock
	@touch $@

# ripgrep and semgrep are commands to be run, no libraries: semgrep asks for older releases than the peers above.
.venv-peers/.ready: requirements-peers.lock
	$(PYTHON) -m venv --clear .venv-peers
	@if .venv-peers/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<; then touch $@; \
		else echo "ripgrep and semgrep cannot be installed here, see above: the table names them as absent" >&2; fi

bench: .venv-bench/.ready ## what things cost, as ratios against named peers in the same run
	.venv-bench/bin/python -m benchmarks

bench-codemods: .venv-bench/.ready .venv-peers/.ready ## finding and rewriting in a large tree, beside the peers; on FAILLOUD_HOST_TREE where set
	PATH="$(abspath .venv-peers/bin):$$PATH" .venv-bench/bin/python -m benchmarks.codemods

bench-delivery: .venv-bench/.ready ## keeping and delivering missed events, beside aiosqlite with the same durability
	.venv-bench/bin/python -m benchmarks.delivery

# Long runs: what `make test` does a few times is done often enough for a figure.
soak: .venv/.ready ## kill -9 of the store's writer, 50 times over 100,000 events
	FAILLOUD_KILLS=50 FAILLOUD_KILL_EVENTS=100000 $(BIN)/python -m pytest -s tests/shim/delivery/test_store_faults.py -k kill

bench-host: $(HOST_VENV)/.ready ## the same on the real host's classes, with its logging silenced and as it is
	$(HOST_VENV)/bin/python -m pip install --quiet --disable-pip-version-check wrapt opentelemetry-sdk
	TESTING=1 $(HOST_VENV)/bin/python -m benchmarks --host
	TESTING=1 $(HOST_VENV)/bin/python -m benchmarks --host --logging --rounds 3 --calls 200

lock: ## resolve the lock files again (needs uv)
	for extra in dev:requirements bench:requirements-bench peers:requirements-peers; do \
		uv pip compile pyproject.toml --extra $${extra%%:*} --universal --python-version 3.11 --generate-hashes \
			--no-emit-index-url --no-annotate --no-header --no-emit-package failloud -o $${extra##*:}.lock || exit 1; \
	done

clean: ## remove what the targets made
	rm -rf .venv .venv-bench .venv-peers .venv-host .failloud-units .mypy_cache .ruff_cache .pytest_cache dist
