# Two commands set everything up on a machine that has Python 3.11 to 3.14 and make: `make demo` and `make test`.
.DEFAULT_GOAL := help
.PHONY: help setup demo up test browser states mutants fuzz clients explore first-hour shapes pythons lint types format bench faults recovery soak drill operation simulate completion-campaign compose-test pin-images docs site figures paper-page lock dist clean external-truth real-data nasty manifests hosts-test broker-test sbom audit licences
# Asked whether they run: a launcher of that name may stand for a Python that is not there.
PROMISED := import sys; raise SystemExit(not (3, 11) <= sys.version_info[:2] <= (3, 14))
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do $$p -c "$(PROMISED)" 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
# Whatever the environment says: each of the many processes that are started would compile all that it imports anew.
unexport PYTHONDONTWRITEBYTECODE
COMPOSE ?= docker compose

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "make %-20s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# The kernel is compiled while the dependencies are installed: either takes half a minute.
.venv/.ready: requirements-dev.lock pyproject.toml hatch_build.py service/pyproject.toml service/hatch_build.py $(wildcard core/descent/native/*.[ch])
	@$(or $(PYTHON),false) -c "$(PROMISED)" 2>/dev/null || { echo "stepbias needs Python 3.11 to 3.14; make $@ PYTHON=… names one" >&2; exit 1; }
	@echo "Installing the locked dependencies into .venv (once)"
	@$(PYTHON) -m venv .venv
	@$(INSTALL) --require-hashes --requirement requirements-build.lock
	@$(INSTALL) --no-deps --no-build-isolation --editable . --editable ./service & ours=$$!; \
	  $(INSTALL) --require-hashes --requirement requirements-dev.lock && wait $$ours
	@$(BIN)/stepbias doctor | grep ' kernel '
	@touch $@

setup: .venv/.ready ## make .venv with the locked dependencies and the stepbias command

demo: setup ## run a reduced Figure 1 through the real service; figure and curves land in out/
	@$(BIN)/stepbias demo --out out

up: setup ## start the service on http://127.0.0.1:8000; meanwhile the documents are built
	@mkdir -p out; { nice $(MAKE) --silent site > out/site.log 2>&1 || echo "The documents could not be built: out/site.log says why" >&2; } &
	@$(BIN)/stepbias up

# Three on two cores: tests of real services wait.
test: setup lint types ## lint, types, import contracts and the tests, of suites with a target of their own a short version
	@$(BIN)/python -m pytest -n 3 --dist worksteal -m 'not thorough'

browser: setup ## the page, the explorer and the documents in a real browser; installs Chromium where it may (Debian, root)
	@command -v chromium chromium-browser google-chrome >/dev/null || apt-get install --yes --no-install-recommends chromium \
	  || { echo "no Chromium is installed, and it cannot be installed here" >&2; exit 1; }
	@$(BIN)/python -m pytest -n 2 --dist loadfile tests/browser tests/api/page tests/api/test_documents.py

explore: setup ## search with random examples, other ones each time, until one fails or the rounds are over (ROUNDS=10 TESTS=tests/jobs)
	@for round in $$(seq $(or $(ROUNDS),10)); do \
	  echo "round $$round"; $(BIN)/python -m pytest -q -m hypothesis --hypothesis-profile explore --timeout 0 $(or $(TESTS),tests) || exit 1; \
	done

pythons: setup ## both commands of the README in a clean clone of the last commit, with every Python promised (VERSIONS="3.12 3.13")
	@$(BIN)/python -m tests.pythons $(if $(VERSIONS),--versions $(VERSIONS))

first-hour: setup ## the lines of the README from an empty environment to figures of data, typed in a clone of the last commit, and how long each takes
	@$(BIN)/python -m tests.first_hour

shapes: setup ## the tests of core and of the worker with every call in core held to its annotations
	@$(BIN)/python -m pytest -n 2 --dist worksteal -p tests.shape_checking tests/core tests/worker

lint: setup ## ruff and the import contracts
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/lint-imports --no-cache

types: setup ## mypy, strict
	@$(BIN)/mypy

format: setup ## let ruff format and fix what it can
	@$(BIN)/ruff format . ; $(BIN)/ruff check --fix .

docs: setup ## renew the tables and pages of docs/ that are made of the code, docs/openapi.json and schema/
	@$(BIN)/python docs/make_reference.py
	@$(BIN)/python docs/make_pages.py
	@$(BIN)/python docs/make_contract.py

PAGES := $(wildcard *.md docs/*.md docs/*/*.md docs/images/* docs/site/* examples/*) docs/make_site.py

docs/_site/index.html: $(PAGES) | .venv/.ready
	@$(BIN)/python docs/make_site.py

site: setup docs/_site/index.html ## build the documents, with warnings as errors; the service shows them under /docs

external-truth: setup ## compute every number that others printed anew, and renew the tables of docs/external-truth.md
	@$(BIN)/python -m docs.make_external_truth

real-data: setup ## train on six real data sets, raw and standardised, and renew the tables of docs/how-to/your-own-data.md
	@$(BIN)/python -m docs.make_real_data

nasty: setup ## hold specs that go wrong against plain loops, and every statement about them, and renew the table of docs/nasty-specs.md
	@$(BIN)/python -m docs.make_nasty

paper-page: setup ## the paper's figures on one page for LaTeX, as out/paper-page/page.tex with a PDF for each
	@$(BIN)/python -m docs.make_paper_page $(PRESETS)

figures: setup ## compute every preset through a service of its own and draw the figures of the docs (PRESETS="figure-1 …")
	@$(BIN)/python docs/make_figures.py $(PRESETS)

.venv-bench/.ready: requirements-bench.lock
	@echo "Installing the locked baselines into .venv-bench (once)"
	@$(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-bench.lock
	@touch $@

.venv-clients/.ready: requirements-clients.lock
	@echo "Installing the locked generator of clients into .venv-clients (once)"
	@$(PYTHON) -m venv .venv-clients
	@.venv-clients/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-clients.lock
	@touch $@

clients: setup .venv-clients/.ready ## generate clients from docs/openapi.json in Python and TypeScript, and use them (needs npm)
	@$(BIN)/python -m tests.clients

.venv-manifests/.ready .venv-supply/.ready: .venv-%/.ready: requirements-%.lock
	@echo "Installing what requirements-$*.lock has into .venv-$* (once)"
	@$(PYTHON) -m venv .venv-$*
	@.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-$*.lock
	@touch $@

manifests: .venv-manifests/.ready ## hold deploy/kubernetes to the schemas of Kubernetes, every version, and of KEDA (needs npm)
	@.venv-manifests/bin/python -m tests.deploy

.venv-installed/.ready: requirements.lock | .venv/.ready
	@rm -rf .venv-installed && $(PYTHON) -m venv --without-pip .venv-installed
	@$(BIN)/uv pip install --quiet --python .venv-installed/bin/python --require-hashes --requirement requirements.lock
	@touch $@

sbom: setup .venv-supply/.ready .venv-installed/.ready ## what an installation of requirements.lock is made of, as CycloneDX, in out/sbom.json
	@$(BIN)/python -m tests.supply sbom

audit: setup .venv-supply/.ready ## what is known against any package of any lock file; fails in words where that cannot be asked
	@$(BIN)/python -m tests.supply audit

licences: setup ## the licence of every dependency, as a table
	@$(BIN)/python -m tests.supply licences

.venv-mlflow/.ready:
	@$(PYTHON) -m venv .venv-mlflow
	@.venv-mlflow/bin/python -m pip install --quiet --disable-pip-version-check mlflow==3.17.2
	@touch $@

bench: setup .venv-bench/.ready $(if $(filter tracker,$(or $(WHAT),$(if $(QUICK),,tracker))),.venv-mlflow/.ready) ## measure everything against JAX and others, and write its page (WHAT=kernel|door|… QUICK=1 TORCH=1 KERNEL=avx2 OTHER=another version's command); TORCH=1 installs PyTorch once
	@$(if $(TORCH),.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0)
	@$(BIN)/python -m benchmarks $(or $(WHAT),all) $(if $(QUICK),--quick) $(if $(KERNEL),--kernel $(KERNEL)) $(if $(OTHER),--other $(OTHER))

operation: setup ## type every page of an operator as it stands, with a sweep under way; install from wheels and without a network, upgrade from former versions
	@$(BIN)/python -m pytest tests/operation tests/upgrade

faults: setup ## hit the service at random under load; nothing clients were told may change (FAULTS=200 SEED=0 MODE=kills|network|all|storm MINUTES=…)
	@$(BIN)/python -m tests.faults --faults $(or $(FAULTS),200) --seed $(or $(SEED),0) --mode $(or $(MODE),all) $(if $(MINUTES),--minutes $(MINUTES))

recovery: setup ## the rate of finished jobs before and after five faults (ROUNDS=5 WINDOW=20)
	@$(BIN)/python -m tests.faults.recovery --rounds $(or $(ROUNDS),5) --window $(or $(WINDOW),20)

soak: setup ## a fault a minute, or none, under light load; nothing that the service takes may grow (MINUTES=60 SEED=0 MODE=all|network|calm)
	@$(BIN)/python -m tests.faults.soak --minutes $(or $(MINUTES),60) --seed $(or $(SEED),0) --mode $(or $(MODE),all)

fuzz: setup ## send requests made from the OpenAPI document to a real service, in all phases of Schemathesis (CASES=20000 SEED=0)
	@$(BIN)/python -m tests.contract --cases $(or $(CASES),20000) --seed $(or $(SEED),0)

drill: setup ## prove a promise: power cuts, killed batches, cancels, flipped bits, hostile requests (WHAT=power|batches|cancel|flips|hostile COUNT=… SEED=0)
	@$(BIN)/python -m tests.drills $(or $(WHAT),power) --seed $(or $(SEED),0) $(if $(COUNT),--count $(COUNT))

hosts-test: setup ## three hosts, as network namespaces: one is cut off from the store for a minute, in four ways (root, Linux; SECONDS=60 SERVER=redis-server)
	@$(BIN)/python -m tests.hosts --seconds $(or $(SECONDS),60) --server $(or $(SERVER),redis-server)

broker-test: setup ## a broker apart that is killed, halted and away at the start, and Celery's own worker; RabbitMQ where it is installed
	@$(BIN)/python -m pytest tests/broker tests/deploy

simulate: setup ## live lives of the job system in virtual time, in which everything goes wrong (SEEDS=10000 FIRST=0)
	@$(BIN)/python -m tests.simulation --seeds $(or $(SEEDS),10000) --first $(or $(FIRST),0)

states: setup ## random lives of the store and of its twin, compared after every step (LIVES=10000 STEPS=50 FIRST=the first seed)
	@$(BIN)/python -m tests.jobs.many_lives --lives $(or $(LIVES),10000) --steps $(or $(STEPS),50) $(if $(FIRST),--first $(FIRST))

mutants: setup ## small faults in the numerical core, one at a time: does a test notice? (MUTANTS=300 SEED=0 ONLY="file:number …")
	@$(BIN)/python -m tests.mutants --mutants $(or $(MUTANTS),300) --seed $(or $(SEED),0) $(if $(ONLY),--only $(ONLY))

completion-campaign: setup ## continue completed runs step by step to their end, random ones (RUNS=500 SEED=0) or those of a PRESET=figure-1
	@$(BIN)/python -m tests.completion_campaign --runs $(or $(RUNS),500) --seed $(or $(SEED),0) $(if $(PRESET),--preset $(PRESET))

pin-images: setup ## ask the registry what the names of the images stand for today: lines for .env (needs Docker with buildx)
	@$(BIN)/python -m deploy.pin_images

compose-test: setup ## run the docker-compose deployment through a drill; COMPOSE names another front than docker compose
	@$(BIN)/python -m tests.compose.drill $(COMPOSE)

COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-strip-extras
# Both distributions are of this checkout: what they depend on is locked, not they.
OURS := --no-emit-package stepbias --no-emit-package stepbias-service

lock: setup ## renew the lock files from pyproject.toml and service/pyproject.toml
	@echo '.[service]' | $(COMPILE) $(OURS) - --output-file requirements.lock
	@echo '.[service,otel]' | $(COMPILE) $(OURS) - --group dev --output-file requirements-dev.lock
	@$(COMPILE) --group build --constraint requirements-dev.lock --output-file requirements-build.lock
	@$(COMPILE) --group site --constraint requirements-dev.lock --output-file requirements-site.lock
	@$(COMPILE) --group bench --constraint requirements-dev.lock --output-file requirements-bench.lock
	@$(COMPILE) --group clients --output-file requirements-clients.lock
	@$(COMPILE) --group manifests --output-file requirements-manifests.lock
	@$(COMPILE) --group supply --output-file requirements-supply.lock
	@$(BIN)/python -m tests.supply note

dist: setup ## client and service as source distributions, and the wheels that are built of these, in dist/
	@for each in . ./service; do $(BIN)/uv build --quiet --no-build-isolation --python $(BIN)/python --out-dir dist $$each || exit 1; done
	@ls -l dist

clean: ## remove the environment and everything that was made
	@rm -rf .venv .venv-bench .venv-mlflow .venv-clients .venv-manifests .venv-supply .venv-installed out .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage docs/_site
