# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What is installed is written down, so that a change of it is noticed.
READY := $(VENV)/.ready
export OMP_NUM_THREADS ?= 1

.PHONY: demo test coverage docs mutation oldest package fuzz stress serving lint clean

demo: $(READY)
	mkdir -p demo
	$(BIN)/python -m skdistill fit --data digits --effort low --out demo/student.joblib --html demo/report.html

test: $(READY)
	$(BIN)/python -m pytest -n auto --dist loadfile

# Lines and branches that the tests run; below 95 % it fails. Slower than `make test`.
coverage: $(READY)
	$(BIN)/python -m pytest -n auto --dist loadfile --cov --cov-report=term

# Pages, gallery and API reference; the examples of the gallery run, and a warning is an error.
docs: $(VENV)/.docs
	rm -rf docs/generated
	$(BIN)/python -m sphinx -b html -W --keep-going -q -d build/doctrees docs build/docs
	@echo "open build/docs/index.html"

# Changes of the code that no test notices: docs/mutation.md. Takes hours.
mutation: $(READY)
	$(BIN)/pip install --quiet --constraint constraints.txt mutmut
	$(BIN)/mutmut run
	$(BIN)/mutmut results

# The examples of serving, in a browser and in the fresh environment of their Dockerfile too.
serving: $(READY)
	test ! -x "$$(command -v npm)" || npm install --silent --prefix examples/serving
	SKDISTILL_FRESH=1 $(BIN)/python -m pytest -rs tests/examples

# The tests on the lower bound of every range in pyproject.toml. Old libraries use what newer
# dependencies of theirs deprecate.
oldest: .venv-oldest/.ready
	.venv-oldest/bin/python -m pytest -n auto --dist loadfile -W ignore::DeprecationWarning -W ignore::FutureWarning

# The tests on another version of Python: make python-3.12, make python-3.13
python-3.%: .venv-3.%/.ready
	.venv-3.$*/bin/python -m pytest -n auto --dist loadfile

# Wheel and sdist: built, checked, installed into a clean environment and tried.
package: $(READY)
	$(BIN)/pip install --quiet --constraint constraints.txt build twine
	.ci/package

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/mypy

# 100,000 hostile files, in some ten minutes
fuzz: $(READY)
	$(BIN)/python -m tests.fuzz

# A million predictions from threads and processes, in half a minute
stress: $(READY)
	$(BIN)/python -m tests.stress

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit(f"skdistill needs Python 3.11 or newer, {sys.executable} is {v[0]}.{v[1]}: make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@# torch first and in the tested version, so that nothing pulls in another build of it
	$(BIN)/pip install --quiet $$(grep '^torch==' constraints.txt)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[test,lint]'
	touch $@

$(VENV)/.docs: $(READY)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[docs]'
	touch $@

.venv-oldest/.ready: pyproject.toml
	$(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/pip install --quiet uv
	.venv-oldest/bin/uv pip install --quiet --python .venv-oldest --resolution lowest-direct --editable '.[test]'
	touch $@

.PRECIOUS: .venv-3.%/.ready
.venv-3.%/.ready: pyproject.toml constraints.txt
	python3.$* -m venv .venv-3.$*
	.venv-3.$*/bin/pip install --quiet --constraint constraints.txt --editable '.[test]'
	touch $@

clean:
	rm -rf $(VENV) .venv-oldest .venv-3.* demo build dist mutants docs/gallery docs/generated *.egg-info
