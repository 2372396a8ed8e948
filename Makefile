# Two environments, made from the locks: .venv (demo, test, check) and .bench (the product as a wheel,
# beside its peers). Each has stamp files: a second `make` is instant, a changed lock installs again.

PYTHON =
ARGS =
UV_VERSION = 0.13.9

BIN = .venv/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check -qq install
BENCH_PIP = .bench/bin/python -m pip --disable-pip-version-check -qq install
SOURCES = audit_log trainers schemas CONFIG repro
LOCK = build/lock/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --no-emit-find-links $(ARGS)

.PHONY: help demo test slow soak check types imports bench scale lock clean

help:
	@echo 'make demo     from nothing to a verified run, in .venv'
	@echo 'make test     the tests (ARGS="-k name" for some of them)'
	@echo 'make check    lint, format, types, imports, and our own lint'
	@echo 'make types    mypy --strict alone'
	@echo 'make imports  who may import whom, alone'
	@echo 'make slow     the slower tests, and properties at length; CI runs them too'
	@echo 'make soak     fault injection and fuzzing at length: an hour'
	@echo 'make bench    the goals against their peers, in .bench'
	@echo 'make scale    how it behaves as records, runs, rows and points grow, in .bench'
	@echo 'make lock     pin requirements/ again (ARGS=--upgrade for newer versions)'
	@echo 'make clean    remove what make made'
	@echo
	@echo 'PYTHON=/path/to/python chooses the interpreter of a new environment (3.11 or newer).'

demo: .venv/.run .venv/.libgomp
	@PATH="$$PWD/$(BIN):$$PATH" sh docs/demo.sh

test: .venv/.dev .venv/.libgomp
	@$(BIN)/pytest -n 2 --dist loadgroup -q -m 'not slow and not soak' $(ARGS)

slow: .venv/.dev .venv/.libgomp
	@$(BIN)/pytest -n 2 --dist loadgroup -q -m 'slow or hypothesis and not soak' --all-examples $(ARGS)

soak: .venv/.dev .venv/.libgomp
	@$(BIN)/pytest -n 2 --dist loadgroup -q -m soak $(ARGS)

check: .venv/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(MAKE) types
	@$(MAKE) imports
	@$(BIN)/repro lint $(SOURCES) benchmarks

# Static tools see folders, not the mapping in pyproject.toml: .view is the installed shape, in links.
VIEW = rm -rf .view && mkdir -p .view/repro && \
	for entry in repro/* audit_log trainers schemas; do ln -s "../../$$entry" .view/repro/ || exit 1; done

types: .venv/.dev
	@$(VIEW)
	@cd .view && ../$(BIN)/mypy --strict --config-file ../pyproject.toml --cache-dir ../.mypy_cache -p repro

imports: .venv/.dev
	@$(VIEW)
	@cd .view && ../$(BIN)/lint-imports --config ../.importlinter --cache-dir ../.import_linter_cache

WHEEL = rm -rf build/lib && $(BENCH_PIP) --no-deps --no-build-isolation --force-reinstall .

bench: .bench/.peers .bench/.dev .venv/.libgomp
	@$(WHEEL)
	@PATH="$$PWD/.bench/bin:$$PWD/.bench/peers/bin:$$PATH" REPRO_BENCH_PEERS="$$PWD/.bench/peers" \
		.bench/bin/python -P benchmarks/run.py $(ARGS)

scale: .bench/.dev .venv/.libgomp
	@$(WHEEL)
	@.bench/bin/python -P benchmarks/scale.py $(ARGS)

lock:
	@test -x build/lock/bin/uv || { \
		$(FIND_PYTHON) && "$$python" -m venv build/lock && \
		build/lock/bin/python -m pip --disable-pip-version-check -qq install uv==$(UV_VERSION); }
	$(LOCK) pyproject.toml --extra lightgbm --group build -o requirements/run.txt
	$(LOCK) pyproject.toml --extra train --group build --group dev \
		-c requirements/run.txt -o requirements/dev.txt
	$(LOCK) --group audit -c requirements/run.txt -o requirements/audit.txt
	$(LOCK) --group bench -o requirements/bench.txt

clean:
	rm -rf .venv .bench .view build dist repro_audit.egg-info \
		.mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find $(SOURCES) tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

# A python on PATH may be a shim for a version that is not installed: only running it tells.
FIND_PYTHON = python=; old=; bare=; \
	for name in $(PYTHON) python3.13 python3.12 python3.11 python3; do \
		"$$name" -c 'pass' 2>/dev/null || continue; \
		"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { old=$$name; continue; }; \
		"$$name" -c 'import ensurepip, venv' 2>/dev/null || { bare=$$name; continue; }; \
		python=$$name; break; \
	done; \
	if [ -z "$$python" ] && [ -n "$$bare" ]; then \
		echo "make: $$bare has no venv module: install it (Debian: apt install python3-venv)" >&2; exit 1; \
	elif [ -z "$$python" ] && [ -n "$$old" ]; then \
		echo "make: $$old is $$($$old --version 2>&1), and 3.11 or newer is needed: install one, or PYTHON=/path/to/python" >&2; exit 1; \
	elif [ -z "$$python" ]; then \
		echo 'make: no Python found: install 3.11 or newer, or PYTHON=/path/to/python' >&2; exit 1; \
	fi

.venv/.made:
	@$(FIND_PYTHON); "$$python" -m venv .venv
	@touch $@

# --no-build-isolation: the editable install builds with the locked setuptools, not with one it fetches.
# compileall: pip compiles what it installs, but not what it links to, and a start without .pyc is slow.
.venv/.run: .venv/.made requirements/run.txt pyproject.toml
	@echo 'installing requirements/run.txt into .venv'
	@$(PIP) --require-hashes -r requirements/run.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q $(SOURCES)
	@touch $@

.venv/.dev: .venv/.run requirements/dev.txt
	@echo 'installing requirements/dev.txt into .venv'
	@$(PIP) --require-hashes -r requirements/dev.txt
	@touch $@

# LightGBM's Linux wheels load the system's OpenMP runtime.
.venv/.libgomp: .venv/.made
	@$(BIN)/python -c 'import ctypes, sys; sys.platform == "linux" and ctypes.CDLL("libgomp.so.1")' 2>/dev/null || { \
		echo 'make: LightGBM needs libgomp.so.1: install it (Debian: apt install libgomp1)' >&2; exit 1; }
	@touch $@

.bench/.made:
	@$(FIND_PYTHON); "$$python" -m venv .bench && "$$python" -m venv .bench/peers
	@touch $@

.bench/.dev: .bench/.made requirements/dev.txt
	@echo 'installing requirements/dev.txt into .bench'
	@$(BENCH_PIP) --require-hashes -r requirements/dev.txt
	@touch $@

.bench/.peers: .bench/.made requirements/bench.txt
	@echo 'installing requirements/bench.txt into .bench/peers'
	@.bench/peers/bin/python -m pip --disable-pip-version-check -qq install --require-hashes -r requirements/bench.txt
	@touch $@
