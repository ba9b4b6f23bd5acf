# make run     a running service with sample mail   (ONCE=1: show it and end)
# make test    style, types, layers and all tests   (JOBS=n at a time)
# make soak    syncs killed hundreds of times    (half an hour; SOAK_SCALE=0.1, SOAK_SEED=n)
# make fuzz    the parsers and the SOAP endpoint, with bytes made up   (FUZZ_SECONDS=600 each, ONLY="mime")
# make sbom    what is installed with what licence, as CycloneDX: var/sbom.json
# make fuzz-web schemathesis against the web API at length, on both databases   (FUZZ_EXAMPLES=n)
# make style   the formatter and the linter, mending what they can
# make schemas the published WSDL files, written anew
# make bench   the sync beside other IMAP clients   (BENCH=small: a minute; ROUNDS=n)
# make dist    the wheel and the source distribution, in dist/
# make guide   every command of docs/production.md, in a Debian that is booted for it   (as root)
# make load    calls a second, and what one costs   (LOAD=small: a minute; NODE=0: nothing from npm)
# PYTHON=...   the interpreter to use, 3.11 or later

VENV ?= .venv
# Most tests wait for servers: more of them at a time than there are processors.
JOBS ?= 3
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PACKAGE := setup.cfg setup.py services84/__init__.py

.PHONY: run test fuzz-web soak fuzz sbom style check schemas bench load dist guide packages clean
.DELETE_ON_ERROR:

run: $(VENV)/.run
	$(BIN)/services84 demo $(if $(filter-out 0,$(ONCE)),--once)

test: packages check
	$(BIN)/pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder || \
	{ test $$? -eq 1 && echo "Failed beside others; once more, one at a time:" && \
	  $(BIN)/pytest --last-failed --last-failed-no-failures none; }

soak: packages $(VENV)/.test
	SOAK=1 SERVICES84_MODEL_HISTORIES=2000 $(BIN)/pytest tests/soak tests/scale $(wildcard tests/model)
	RESTORE_KILLS=200 $(BIN)/pytest tests/store/test_restore_killed.py

fuzz: $(VENV)/.fuzz
	$(BIN)/python -m tests.fuzz $(ONLY)

sbom:
	@.ci/environment $(VENV)
	$(PIP) install tox
	$(BIN)/tox -e sbom

fuzz-web: packages $(VENV)/.test
	FUZZ_EXAMPLES=$(or $(FUZZ_EXAMPLES),20) $(BIN)/pytest tests/rest/test_fuzz.py

check: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

style: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

schemas: $(VENV)/.run
	$(BIN)/services84 schemas schemas

bench: $(VENV)/.bench
	@.ci/packages bench
	$(BIN)/python -m benchmarks $(if $(filter small,$(BENCH)),--small) $(if $(ROUNDS),--rounds $(ROUNDS))

load: packages $(VENV)/.test
	$(BIN)/python -m benchmarks.load $(if $(filter small,$(LOAD)),--rounds 1 --seconds 1 --crowd 100) \
		$(if $(filter 0,$(NODE)),--without-node)

dist: $(VENV)/.test
	$(BIN)/python -m build --outdir dist .

guide: packages $(VENV)/.test
	@.ci/packages guide
	GUIDE=1 $(BIN)/pytest tests/install/test_guide.py

packages:
	@.ci/packages

$(VENV)/.run: $(PACKAGE)
	@.ci/environment $(VENV)
	$(PIP) install --editable '.[demo]'
	@touch $@

$(VENV)/.test: $(PACKAGE)
	@.ci/environment $(VENV)
	$(PIP) install --editable '.[test,style]'
	@touch $@ $(VENV)/.run

$(VENV)/.fuzz: $(VENV)/.test
	$(PIP) install --editable '.[test,fuzz]'
	@touch $@

$(VENV)/.bench: $(VENV)/.test
	$(PIP) install --editable '.[test,fast]'
	@touch $@

clean:
	rm -rf $(VENV) .tox build dist var *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
