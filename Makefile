# All the verbs: demo, demo-report, test (test-unit, test-integration, test-browser), lint, bench, soak, docs.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
PYTEST := $(PY) -m pytest
# One more than there are cores: tests that wait for a browser, a worker or a crash leave a core idle.
JOBS ?= $(shell echo $$(($$(nproc) + 1)))

.DEFAULT_GOAL := help
.PHONY: help install assets browser demo demo-report test test-unit test-integration test-browser lint bench soak docs clean

help:
	@echo "make demo         a running registry on localhost, with six months of simulated history"
	@echo "make demo-report  the same world, its discrepancy report, then exit"
	@echo "make test         everything; subsets: test-unit, test-integration, test-browser"
	@echo "make lint bench soak docs"

$(INSTALLED): requirements/dev.txt pyproject.toml
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@start=$$(date +%s); \
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/dev.txt && \
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index --editable . && \
	echo $$(( $$(date +%s) - start )) > $(INSTALLED)

install: $(INSTALLED)

assets: $(INSTALLED)
	@$(PY) -m web.build_assets

# Debian's Chromium, for the browser tests: installed when we may, otherwise those tests say that they were skipped.
browser:
	@if ! command -v chromium >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; fi

demo: assets
	@INSTALL_SECONDS=$$(cat $(INSTALLED)) exec $(PY) -m simulator.demo

demo-report: assets
	@INSTALL_SECONDS=$$(cat $(INSTALLED)) exec $(PY) -m simulator.demo --report

test: assets browser
	$(PYTEST) -n $(JOBS) --dist worksteal --ignore tests/soak tests

test-unit: install
	$(PYTEST) -n $(JOBS) tests/unit

test-integration: assets
	$(PYTEST) -n $(JOBS) --dist worksteal tests/integration

test-browser: assets browser
	$(PYTEST) tests/browser

lint: install
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(PY) -m mypy .
	$(VENV)/bin/lint-imports
	$(VENV)/bin/djlint --check --lint --quiet web registry tracking attestations audits portal notices
	$(PY) -m config.embedded run -- $(PY) manage.py makemigrations --check --dry-run

bench: install
	$(PY) -m config.embedded run --durable -- $(PY) -m bench $(if $(ONLY),--only $(ONLY)) $(if $(RUNS),--runs $(RUNS))

soak: install
	$(PYTEST) tests/soak

docs: assets browser
	$(PY) -m config.embedded run -- $(PY) manage.py draw_docs
	UPDATE_SCREENSHOTS=1 $(PYTEST) tests/browser

clean:
	rm -rf $(VENV) var node_modules web/static/build
