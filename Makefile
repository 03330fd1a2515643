# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What is installed is written down, so that a change of it is noticed.
READY := $(VENV)/.ready
export OMP_NUM_THREADS ?= 1

.PHONY: demo test lint fuzz clean

demo: $(READY)
	$(BIN)/python -m skdistill --data digits --effort low --out demo/student.joblib --picture demo/report.png

test: $(READY)
	$(BIN)/python -m pytest -n auto --dist loadfile

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/mypy

# 100,000 hostile files, in some ten minutes
fuzz: $(READY)
	$(BIN)/python -m tests.fuzz

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit(f"skdistill needs Python 3.11 or newer, {sys.executable} is {v[0]}.{v[1]}: make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@# torch first and in the tested version, so that nothing pulls in another build of it
	$(BIN)/pip install --quiet $$(grep '^torch==' constraints.txt)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[test,lint]'
	touch $@

clean:
	rm -rf $(VENV) demo build *.egg-info
