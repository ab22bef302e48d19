# Everything runs in .venv, which the first target that needs it makes.
PYTHON ?= $(firstword $(foreach name,python3.12 python3.11 python3.13 python3,$(if $(shell $(name) -c 'import sys; print(sys.version_info >= (3, 11) or "")' 2>/dev/null | grep True),$(name))))
TEXT ?= Hello! This is the preview engine, speaking on your own machine.
VOICE ?=
OUT ?=
BIN := .venv/bin
comma := ,
# Most tests wait for other programs. A file's tests stay together: they share what they start.
PYTEST := $(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

.PHONY: run worker test check bench schema clean
.DEFAULT_GOAL := run

run: .venv/run.stamp ## speak TEXT (with VOICE, into OUT) and print where the audio is
	@$(BIN)/indextts-runpod speak $(if $(VOICE),--voice "$$VOICE") $(if $(OUT),--out "$$OUT") -- "$$TEXT"

worker: .venv/worker.stamp ## what a worker with a GPU needs, beside what is installed already

test: .venv/test.stamp ## all tests
	$(PYTEST)

check: .venv/test.stamp ## lint, types, import contracts and all tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYTEST)

bench: .venv/test.stamp ## what the pipeline around the model costs, and 200 jobs in one worker
	$(BIN)/python -m benchmarks.pipeline
	$(BIN)/python -m benchmarks.worker_soak

schema: .venv/test.stamp ## write docs/api/*.json anew from the models
	$(BIN)/python -m entrypoints.json_schema

clean:
	rm -rf .venv

export TEXT VOICE OUT

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: set PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -qq --disable-pip-version-check --upgrade pip

.venv/run.stamp: pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/pip install -qq --disable-pip-version-check --constraint constraints.txt --editable '.[preview]'
	@touch $@

# pynini, which the grammars need, has wheels for Linux alone.
.venv/worker.stamp: pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/pip install -qq --disable-pip-version-check --constraint constraints.txt --editable '.[preview,worker,indextts$(if $(filter Linux,$(shell uname)),$(comma)grammars)]'
	$(BIN)/pip install -qq --disable-pip-version-check --no-deps indextts2-inference==2.1.1
	@touch $@ .venv/run.stamp

.venv/test.stamp: pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/pip install -qq --disable-pip-version-check --constraint constraints.txt --editable '.[preview,worker,indextts,dev]'
	$(BIN)/pip install -qq --disable-pip-version-check --no-deps indextts2-inference==2.1.1
	@touch $@ .venv/run.stamp
