# Everything a developer does here, from a bare clone with Python, git and make alone, but for containers and DynamoDB Local.
# ARGS="…" is handed on to pytest or to the local run.

PYTHON ?= python3
ARGS ?=

.DEFAULT_GOAL := help
SHELL := /bin/sh
BIN := .venv/bin
COMPOSE := docker compose --profile receiver

PYTHON_VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
PACKAGES := app worker triggers infra tests
LOCKS := infra/requirements
DOCKERFILES := Dockerfile infra/compose/proxy/Dockerfile

# A stamp says which lock and which Python an environment was made from: either changes, it is made anew.
DEVELOPMENT := .venv/made-with-python$(PYTHON_VERSION)
EMULATOR := .venv-emulator/made-with-python$(PYTHON_VERSION)

.PHONY: help
help: ## show this list
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1|/' | awk -F'|' '{printf "  make %-10s %s\n", $$1, $$2}'

.PHONY: run
run: $(DEVELOPMENT) $(EMULATOR) ## start the service, an AWS emulator and an example receiver; Ctrl-C stops them
	@exec $(BIN)/python -m infra.local $(ARGS)

.PHONY: demo
demo: $(DEVELOPMENT) ## show in a minute what it does, against the service of `make run` in another terminal
	@exec $(BIN)/python -m infra.local.tour

.PHONY: up
up: $(DEVELOPMENT) engine ## start the service in containers, with LocalStack and the example receiver
	@REVISION=$$(git rev-parse --short HEAD 2>/dev/null || echo unknown) $(COMPOSE) up --build --detach --wait || \
		{ echo "make up: not all of it started. A port that is taken: set API_PORT, RECEIVER_PORT or EMULATOR_PORT." \
		"A part that is unhealthy: see what it says with, for example, make logs ARGS=app" >&2; exit 1; }
	@exec $(BIN)/python -m infra.local.compose

.PHONY: down
down: engine ## stop those containers, and remove them and all that they stored
	@$(COMPOSE) down --volumes

.PHONY: logs
logs: engine ## follow what those containers say; ARGS="worker" those of one service
	@exec $(COMPOSE) logs --follow --tail 100 $(ARGS)

.PHONY: test
test: $(DEVELOPMENT) $(EMULATOR) ## run all the tests, with the coverage of lines and branches
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest $(ARGS); status=$$?; \
	$(BIN)/coverage combine --quiet && $(BIN)/coverage report || status=1; \
	exit $$status

.PHONY: e2e
e2e: $(DEVELOPMENT) ## try out a running deployment, API=… KEY=…, else the service of `make run` in another terminal
	@exec $(BIN)/python -m tests.deployed $(ARGS)

.PHONY: contract
contract: $(DEVELOPMENT) $(EMULATOR) ## hold the adapters to their contract; EMULATOR_URL=… on another emulator, as LocalStack
	@exec $(BIN)/python -m pytest tests/contract $(ARGS)

.PHONY: containers
containers: $(DEVELOPMENT) engine ## build the images and try them out: kills, stops and scales under load; some minutes
	@exec $(BIN)/python -m pytest -v tests/containers $(ARGS)

.PHONY: check
check: $(DEVELOPMENT) ## check format, lint, types, import contracts and container files, as CI does
	@echo "format"; $(BIN)/ruff format --check --quiet $(PACKAGES)
	@echo "lint"; $(BIN)/ruff check --quiet $(PACKAGES)
	@echo "types"; $(BIN)/mypy --no-error-summary
	@echo "import contracts"; $(BIN)/lint-imports --no-logo --no-cache
	@echo "container files"; $(BIN)/hadolint $(DOCKERFILES)
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec docker-compose.yml
	@if docker compose version >/dev/null 2>&1; then docker compose --file docker-compose.yml --profile receiver config --quiet; \
	else echo "  left out: 'docker compose config', there is no compose here"; fi

.PHONY: catalogue
catalogue: $(DEVELOPMENT) ## show which faults and bad inputs have a test, and which have not
	@$(BIN)/python -m tests.catalogue $(ARGS)

# What `python -m tests.bench` takes: `make bench ARGS=--help` tells their meaning, defaults and limits.
BENCH := SCENARIO RATE SECONDS TENANTS WEBHOOKS PAYLOAD WORKERS BACKLOG STORED DYNAMODB OUT COMPARE

.PHONY: bench
bench: $(DEVELOPMENT) $(EMULATOR) ## measure what an event takes and costs; ARGS=--help shows what can be chosen
	@exec $(BIN)/python -m tests.bench $(foreach name,$(BENCH),$(if $($(name)),'$(name)=$($(name))')) $(ARGS)

DYNAMODB_LOCAL := .dynamodb-local
dynamodb: DYNAMODB ?= 8000

.PHONY: dynamodb
dynamodb: $(DYNAMODB_LOCAL)/fetched ## start DynamoDB Local, on port DYNAMODB=8000, for the bench; needs Java 17 and Maven
	@echo "DynamoDB Local keeps all in memory and takes calls from everywhere, on port $(DYNAMODB); Ctrl-C stops it"
	@cd $(DYNAMODB_LOCAL) && exec java -Djava.library.path=. -cp '*' com.amazonaws.services.dynamodbv2.local.main.ServerRunner \
		-inMemory -sharedDb -disableTelemetry -cors http://127.0.0.1 -port $(DYNAMODB)

.PHONY: format
format: $(DEVELOPMENT) ## put the code into shape
	@$(BIN)/ruff format --quiet $(PACKAGES)
	@$(BIN)/ruff check --fix --quiet $(PACKAGES)

.PHONY: lock
lock: $(DEVELOPMENT) ## renew the locks of all dependencies; ARGS=--upgrade takes newer versions
	@$(call compile,pyproject.toml --extra development,development)
	@$(call compile,pyproject.toml --extra app --constraint $(LOCKS)/development.txt,app)
	@$(call compile,pyproject.toml --constraint $(LOCKS)/development.txt,worker)
	@$(call compile,$(LOCKS)/emulator.in,emulator)

.PHONY: clean
clean: ## remove environments, caches and what the local run wrote
	@rm -rf .venv .venv-emulator $(DYNAMODB_LOCAL) .local .coverage .coverage.* build dist *.egg-info
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: engine
engine:
	@docker compose version >/dev/null 2>&1 || \
		{ echo "Docker with compose v2 is needed, and is not here: 'make run' does without" >&2; exit 1; }
	@docker info >/dev/null 2>&1 || \
		{ echo "no container engine answers: start Docker, or take 'make run', which needs none" >&2; exit 1; }

$(DEVELOPMENT): $(LOCKS)/development.txt
	@$(call environment,.venv,the project's packages,&& $(BIN)/python -m pip install $(OURSELVES))

$(EMULATOR): $(LOCKS)/emulator.txt
	@$(call environment,.venv-emulator,the AWS emulator)

$(DYNAMODB_LOCAL)/fetched: infra/dynamodb-local/pom.xml
	@command -v java >/dev/null && command -v mvn >/dev/null || \
		{ echo "Java and Maven are needed, and are not here (Debian, Ubuntu: openjdk-17-jre-headless, maven)" >&2; exit 1; }
	@echo "fetching DynamoDB Local into $(DYNAMODB_LOCAL)"
	@rm -rf $(DYNAMODB_LOCAL)
	@mvn --quiet --batch-mode --file $< dependency:copy-dependencies '-DoutputDirectory=$(CURDIR)/$(DYNAMODB_LOCAL)'
	@touch $@

# Puts `triggers` beside the tools, from the code as it stands here; nothing is fetched for it.
OURSELVES := --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation --editable .

# $(1) the folder, $(2) what goes into it, $(3) what comes after. The locks name everything there is, hence --no-deps.
define environment
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	{ echo "Python 3.11 or newer is needed, and '$(PYTHON)' is not: try make PYTHON=python3.13 …" >&2; exit 1; }; \
$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	{ echo "'$(PYTHON)' lacks the venv module: install it (Debian, Ubuntu: python3-venv)" >&2; exit 1; }; \
echo "installing $(2) into $(1) (Python $(PYTHON_VERSION))" && \
$(PYTHON) -m venv --clear $(1) && \
$(1)/bin/python -m pip install --quiet --disable-pip-version-check --use-pep517 --require-hashes --no-deps -r $< $(3) && \
touch $@
endef

# No header, no address: a lock says the same wherever it was made.
define compile
echo "locking $(2)" && $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --no-emit-find-links $(ARGS) $(1) --output-file $(LOCKS)/$(2).txt
endef
