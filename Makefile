# Everything runs in .venv, which the first target that needs it makes.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
PYTHON ?= $(shell scripts/find-python)
TEXT ?= Hello! This is the preview engine, speaking on your own machine.
VOICE ?=
OUT ?=
TARGET ?= preview
BIN := .venv/bin
comma := ,
# Prints one line for each download, so that a long set-up is seen to move.
# setuptools warns of editable installations, which is what a clone is for.
PIP := PYTHONWARNINGS='ignore:Editable installation' $(BIN)/pip install --disable-pip-version-check --progress-bar off --constraint constraints.txt
DOWNLOADS := sed -un 's/^ *Downloading \(.*\)/    \1/p'
CHECK_SCHEMA := $(BIN)/check-jsonschema --quiet --builtin-schema
# Tests of whole programs wait most of the time, so there are more processes than cores. The tests of
# one file stay together: they share what they start.
PYTEST := $(BIN)/pytest --numprocesses 4 --dist loadfile --no-loadscope-reorder

SHELL_SCRIPTS := .ci/run $(wildcard scripts/*) $(wildcard examples/*.sh)

.PHONY: run worker test unit check lint fmt bench schema diagrams image image-test ray-test clean help
.DEFAULT_GOAL := run

run: .venv/run.stamp ## speak TEXT (with VOICE, into OUT) and print where the audio is
	@$(BIN)/indextts-runpod speak $(if $(VOICE),--voice "$$VOICE") $(if $(OUT),--out "$$OUT") -- "$$TEXT"

worker: .venv/worker.stamp ## install what a worker with a GPU needs, beside what is there

test: .venv/test.stamp ## run all tests
	$(PYTEST)

unit: .venv/test.stamp ## run the fast tests, in seconds
	$(BIN)/pytest tests/unit

check: lint test ## do what CI does: lint, then all tests

lint: .venv/test.stamp ## check formatting, style, types, import contracts, scripts and deployment files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(CHECK_SCHEMA) vendor.compose-spec compose.yaml
	$(CHECK_SCHEMA) vendor.github-workflows .github/workflows/*.yml
	$(CHECK_SCHEMA) vendor.dependabot .github/dependabot.yml
	$(CHECK_SCHEMA) vendor.renovate renovate.json
	$(BIN)/zizmor --offline --quiet --min-severity medium .github
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint --failure-threshold warning Dockerfile
	$(BIN)/shellcheck $(SHELL_SCRIPTS)

fmt: .venv/test.stamp ## format the code and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/test.stamp ## measure what the pipeline around the model costs, 200 jobs in one worker, the HTTP server, an endpoint
	$(BIN)/python -m benchmarks.pipeline
	$(BIN)/python -m benchmarks.worker_soak
	$(BIN)/python -m benchmarks.http
	$(BIN)/python -m benchmarks.scale one --min-workers 1

schema: .venv/test.stamp ## write docs/api/*.json anew from the models
	$(BIN)/python -m entrypoints.json_schema

diagrams: .venv/test.stamp ## draw docs/diagrams/*.svg anew from the code and their sources
	$(BIN)/python -m tests.docs.diagrams

image: ## build the image TARGET (preview) without a daemon; needs root, buildah and mmdebstrap
	scripts/build-image $(TARGET)

image-test: .venv/test.stamp ## build the images and run them as containers; needs the same
	$(BIN)/pytest tests/image --timeout 2400

ray-test: .venv/ray.stamp ## start two replicas with Ray Serve and test them
	$(BIN)/pytest tests/ray

clean: ## remove .venv
	rm -rf .venv

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

export TEXT VOICE OUT

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: set PYTHON=/path/to/python3"; exit 1; }
	@echo "Making .venv with $(PYTHON)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install -qq --disable-pip-version-check --upgrade pip

.venv/run.stamp: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing the command line and the preview engine: up to 0.5 GB, once"
	@$(PIP) --editable '.[preview]' | $(DOWNLOADS)
	@touch $@

# pynini, which the grammars need, has wheels for Linux alone.
.venv/worker.stamp: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing the worker and IndexTTS-2's libraries, torch among them: several GB, once"
	@$(PIP) --editable '.[preview,worker,indextts$(if $(filter Linux,$(shell uname)),$(comma)grammars)]' | $(DOWNLOADS)
	@$(PIP) --no-deps indextts2-inference==2.1.1 | $(DOWNLOADS)
	@touch $@ .venv/run.stamp

.venv/test.stamp: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing everything that the tests need, torch among it: up to 2 GB, once"
	@$(PIP) --editable '.[preview,worker,indextts,dev]' | $(DOWNLOADS)
	@$(PIP) --no-deps indextts2-inference==2.1.1 | $(DOWNLOADS)
	@touch $@ .venv/run.stamp

.venv/ray.stamp: .venv/test.stamp
	@echo "Installing Ray Serve: 0.1 GB, once"
	@$(PIP) --editable '.[ray]' | $(DOWNLOADS)
	@touch $@
