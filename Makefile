# Two commands matter: `make run` and `make test`. Both set up what is missing first.
# `make help` lists the rest.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

export PORT ?= 8000
export RASA_TELEMETRY_ENABLED := false
# Rasa imports TensorFlow and uses old SQLAlchemy calls; neither comment is about this project.
export TF_CPP_MIN_LOG_LEVEL := 2
export SQLALCHEMY_SILENCE_UBER_WARNING := 1
# Without compiled files every start would take half a minute.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
INSTALLED := .venv/.installed
MODEL := models/assistant.tar.gz
WIDGET_TOOLS := widget/node_modules/.installed
# With its folders: they change when a file is removed.
TRAINED_FROM := config.yml domain.yml $(shell find data -type d) \
  $(shell find data bot/nlu -name '*.yml' -o -name '*.py' ! -name report.py -o -name '*.txt')

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

.PHONY: run
run: $(MODEL) ## Set everything up and serve the assistant on http://localhost:8000 (PORT=...)
	@$(BIN)/nasro-chat db upgrade
	@$(BIN)/nasro-chat sample-data --if-empty
	@exec $(BIN)/nasro-chat serve

.PHONY: install
install: $(INSTALLED) ## Install Python 3.10 and the locked packages into .venv

# Only uv of our own is made; the path of another may hold blanks, which make can't read.
$(INSTALLED): pyproject.toml uv.lock .python-version | $(filter .tools/bin/uv,$(UV))
	@echo "Installing the locked packages into .venv ..."
	@"$(UV)" sync --frozen --quiet
	@touch $@

# Where uv is missing it is installed into the project's own folder.
.tools/bin/uv:
	@echo "Installing uv into .tools ..."
	@python3 -m venv .tools 2>/dev/null && .tools/bin/pip install --quiet uv \
	  || python3 -m pip install --quiet --target .tools uv \
	  || { echo "uv is missing and couldn't be installed: see https://docs.astral.sh/uv/"; exit 1; }

.PHONY: train
train: $(MODEL) ## Train the model if the training data is newer

$(MODEL): $(TRAINED_FROM) | $(INSTALLED)
	@echo "Training the model (about a minute) ..."
	@$(BIN)/nasro-chat train

.PHONY: test
test: $(MODEL) $(WIDGET_TOOLS) browser ## Set everything up, check the code and run all tests
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@cd widget && PATH="$(CURDIR)/$(BIN):$$PATH" npm run --silent check
	@$(MAKE) --silent nginx || echo "The tests of several processes are left out."
	@$(BIN)/nasro-chat content check
	@$(BIN)/coverage erase
	@COVERAGE_PROCESS_START="$(CURDIR)/pyproject.toml" COVERAGE_FILE="$(CURDIR)/.coverage" \
	  $(BIN)/coverage run -m pytest $(ARGS)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report --skip-covered --skip-empty

.PHONY: lint
lint: $(INSTALLED) ## Check the code without running it, and mend what can be mended
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

.PHONY: nlu-report
nlu-report: $(MODEL) ## Measure the understanding on the held-out test set, with a confusion matrix
	@$(BIN)/python -m bot.nlu.report

# The first time, the stock model that these compare with is trained; BENCH_STOCK_EPOCHS=3 shortens that.
.PHONY: bench-turn
bench-turn: $(MODEL) ## Measure turns over HTTP, beside stock Rasa's (ARGS="--without-stock")
	@$(BIN)/python -m bench.turns $(ARGS)

.PHONY: bench-start
bench-start: $(MODEL) ## Measure the start and memory, beside stock Rasa's (ARGS="--without-stock")
	@$(BIN)/python -m bench.start $(ARGS)

.PHONY: bench-training
bench-training: $(INSTALLED) ## Measure training, beside stock Rasa's (ARGS="--without-stock")
	@$(BIN)/python -m bench.training $(ARGS)

.PHONY: bench-growth
bench-growth: $(MODEL) ## Measure what grows: conversations, classes, stores, training, messages (ARGS="--help")
	@$(BIN)/python -m bench.growth $(ARGS)

.PHONY: bench-outcomes
bench-outcomes: $(MODEL) ## Measure what outcomes cost a turn (ARGS=turns), and pages of a million messages (ARGS=load)
	@$(BIN)/python -m bench.outcomes $(ARGS)

.PHONY: bench-nlu
bench-nlu: $(MODEL) ## Compare the understanding with other systems (ARGS="--clinc150 data_full.json"; an hour)
	@cd bench/nlu/nlpjs && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --loglevel=error --no-audit --no-fund >/dev/null
	@$(BIN)/python -m bench.nlu $(ARGS)

.PHONY: bench-reload
bench-reload: $(MODEL) ## Measure turns while a published model is taken on (ARGS="--times 6")
	@$(BIN)/python -m bench.reload $(ARGS)

.PHONY: bench-scale
bench-scale: $(MODEL) nginx ## Measure 1, 2 and 4 processes, also while some are killed (ARGS="--turns 100000")
	@$(BIN)/python -m bench.scale $(ARGS)

.PHONY: bench-upload
bench-upload: $(MODEL) ## Measure turns while a calendar file of 2 MB is loaded (ARGS="--rows 5000")
	@$(BIN)/python -m bench.upload $(ARGS)

.PHONY: pictures
pictures: $(MODEL) browser ## Draw the pictures in docs/pictures
	@$(BIN)/python -m tests.browser.pictures

.PHONY: scale-up
scale-up: $(MODEL) nginx ## Serve with several processes behind nginx, on PostgreSQL (PORT=..., PROCESSES=2)
	@exec $(BIN)/python -m deploy.scale_up

.PHONY: shell
shell: $(MODEL) ## Talk to the assistant in the terminal
	@$(BIN)/nasro-chat shell

.PHONY: clean
clean: ## Remove the environment, the model and caches (the databases in var/ stay)
	@rm -rf .venv .tools .rasa models results widget/node_modules bench/nlu/nlpjs/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# What only the tests need: tools for the widget from npm, and a Chromium.
$(WIDGET_TOOLS): widget/package-lock.json | $(INSTALLED)
	@echo "Installing the widget's tools ..."
	@cd widget && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --loglevel=error --no-audit --no-fund >/dev/null
	@touch $@

.PHONY: browser
browser:
	@command -v "$${CHROMIUM:-chromium}" >/dev/null && exit 0; \
	echo "Installing Chromium for the browser tests ..."; \
	as_root=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	{ $$as_root apt-get update -qq && $$as_root apt-get install -yqq chromium >/dev/null; } \
	  || { echo "The browser tests need Chromium: install it, or name it in CHROMIUM."; exit 1; }

.PHONY: nginx
nginx:
	@PATH="$$PATH:/usr/sbin" command -v nginx >/dev/null && exit 0; \
	echo "Installing nginx ..."; \
	as_root=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	{ $$as_root apt-get update -qq && $$as_root apt-get install -yqq --no-install-recommends nginx >/dev/null; } \
	  || { echo "Several processes need nginx in front: install it."; exit 1; }
