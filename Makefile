# make app: open the explorer.  make test: run the tests.  Both set up .venv first, once.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: app test site lint wheel-check gpu-check clean

app: .venv/app.stamp
	$(BIN)/streamlit run app/main.py

test: .venv/dev.stamp
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

# The documentation: open build/site/index.html.
site: .venv/dev.stamp
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# The package as users install it: built, put into fresh environments (with PyTorch and without), and used from there.
wheel-check: .venv/dev.stamp
	$(BIN)/python -m tests.packaging.check_wheel

# Sampling, scoring, a training step and resuming on a GPU, with their speed: docs/speed.md keeps the table.
gpu-check: .venv/dev.stamp
	$(BIN)/python -m tests.benchmarks.gpu_check $(ARGS)

lint: .venv/dev.stamp
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

.venv/app.stamp: requirements.txt requirements-app.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; say make PYTHON=/path/to/python3.11")'
	test -d .venv || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -r requirements.txt
	touch $@

.venv/dev.stamp: .venv/app.stamp requirements-dev.txt requirements-docs.txt
	$(BIN)/python -m pip install --quiet -r requirements-dev.txt
	touch $@

clean:
	rm -rf .venv build *.egg-info
