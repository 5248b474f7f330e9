# The one list of commands. `make demo` and `make test` each work as the very first command on a fresh clone with
# Python >= 3.11, a C compiler, make and cargo.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSYNC := .venv-ib_insync
IBAPI := .venv-ibapi

# What the extension and the installed package follow from. Python sources are used in place.
SOURCES := pyproject.toml Cargo.toml Cargo.lock rust-toolchain.toml $(shell find rust -name '*.rs' -o -name Cargo.toml)

DEVELOP := $(BIN)/maturin develop --release --locked
# Runs a command; what it says is kept in a file, and shown only if it failed.
quietly = { $(1); } > $(VENV)/build.log 2>&1 || { cat $(VENV)/build.log >&2; exit 1; }

# Somebody else's environment must not leak in: maturin refuses to choose between two, and imports must be ours.
unexport PYTHONPATH PYTHONHOME CONDA_PREFIX
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export VIRTUAL_ENV := $(CURDIR)/$(VENV)

# The ring's atomics are loom's then, so what it builds is kept apart (docs/ring.md).
LOOM := CARGO_TARGET_DIR=target/loom RUSTFLAGS="--cfg loom"

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: help build demo test lint rust-test python-test insync-test bench-once bench soak clean

help:
	@echo "make demo    the whole job on a sample book and a simulated gateway"
	@echo "make build   .venv with tieout in it (.venv/bin/tieout)"
	@echo "make test    everything that CI runs: lint, Rust tests, Python tests, every benchmark once"
	@echo "make lint    ruff, mypy, stubtest, rustfmt, clippy"
	@echo "make bench   the benchmarks at full size"
	@echo "make soak    the fault tests at full length: hours (docs/faults.md)"
	@echo "make clean   removes what was built; never your data, logs or backups"

build: $(VENV)/.built

demo: $(VENV)/.built
	@$(BIN)/tieout demo

# The last line of `make test` is pytest's own.
test: lint rust-test bench-once insync-test
	@$(MAKE) --no-print-directory python-test

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check --quiet
	$(BIN)/mypy
	$(BIN)/stubtest tieout._core --ignore-missing-stub
	cargo fmt --all --check
	cargo clippy --quiet --workspace --all-targets --locked -- -D warnings

rust-test: $(VENV)/.dev
	cargo test --quiet --workspace --locked
	$(LOOM) cargo test --quiet --release --locked -p tieout-ring --test loom

python-test: $(VENV)/.dev $(IBAPI)/.built
	$(BIN)/python -m pytest -q -n 2 tests

# ib_async and ib_insync bring the same eventkit, so the second client has an environment of its own.
insync-test: $(INSYNC)/.built
	$(INSYNC)/bin/python -m pytest -q $(wildcard tests/test_broker_*.py) tests/test_sim_clients.py tests/test_sim_agreement.py

bench-once: $(VENV)/.dev
	TIEOUT_BENCH_ORDERS=2000 $(BIN)/python -m pytest -q --benchmark-disable benches
	cargo bench --quiet -p tieout-core -p tieout-ring --benches --locked -- --test

bench: $(VENV)/.dev
	TIEOUT_BENCH_ORDERS=1000000 TIEOUT_BENCH_ACTIONS=100000 TIEOUT_BENCH_DIFF_ROWS=10000000 TIEOUT_BENCH_TICKS=10000000 $(BIN)/python -m pytest -q -s --benchmark-columns=min,median,rounds benches
	cargo bench -p tieout-core -p tieout-ring --benches --locked

# TIEOUT_FAULT_SEED=N replays a run; each table's line says the seed it had.
soak: $(VENV)/.dev
	TIEOUT_SOAK=1 $(BIN)/python -m pytest -q -s tests/faults

$(VENV)/.made: tools/preflight.sh
	@tools/preflight.sh $(PYTHON)
	@echo "tieout: making $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet "maturin>=1.9,<2"
	@touch $@

$(VENV)/.built: $(VENV)/.made $(SOURCES)
	@echo "tieout: installing what it needs and building the extension (some minutes the first time)"
	@$(call quietly,$(DEVELOP) --extras ib_async)
	@touch $@

$(VENV)/.dev: $(VENV)/.built
	@echo "tieout: installing the tools for tests"
	@$(call quietly,$(DEVELOP) --extras ib_async --extras dev)
	@touch $@

$(INSYNC)/.built: $(VENV)/.built
	@echo "tieout: making $(INSYNC)"
	@$(PYTHON) -m venv $(INSYNC)
	@$(call quietly,VIRTUAL_ENV=$(CURDIR)/$(INSYNC) $(DEVELOP) --extras ib_insync)
	@$(INSYNC)/bin/python -m pip install --quiet pytest hypothesis
	@touch $@

# The official client from PyPI needs nothing else; tests/test_official_client.py runs it.
$(IBAPI)/.built:
	@echo "tieout: making $(IBAPI)"
	@$(PYTHON) -m venv $(IBAPI)
	@$(IBAPI)/bin/python -m pip install --quiet "ibapi==9.81.1.post1"
	@touch $@

clean:
	rm -rf $(VENV) $(INSYNC) $(IBAPI) target demo dist .build .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
	find python tests benches -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -f python/tieout/_core*.so
