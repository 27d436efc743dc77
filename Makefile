# make demo | make test | make lint | make docs: each builds its environment in .venv first.
# PYTHON=... chooses the interpreter, VENV=... the folder of the environment.

VENV ?= .venv
PYTHON ?=
INSTALLED := $(VENV)/.installed
RUN := $(VENV)/bin/python
# Two processes; a file's tests stay together, since they share what is made for them. The order
# of files is that of tests/conftest.py.
IN_TWO := -n 2 --dist loadfile --no-loadscope-reorder

# Keras, and matplotlib which it imports, would write into the home folder.
export KERAS_HOME := $(abspath $(VENV))/keras
export MPLCONFIGDIR := $(abspath $(VENV))/matplotlib

.DEFAULT_GOAL := help
.PHONY: help install demo test test-all bench lint docs reference clean

help:
	@echo "make demo      train one model on translation and pictures, on made-up data"
	@echo "make test      the default tests; make test-all runs the slow ones too"
	@echo "make bench     all benchmarks, into runs/benchmarks; BENCH=... passes flags on"
	@echo "make lint      ruff and mypy"
	@echo "make docs      the site of docs/, into site/index.html; a broken link is an error"
	@echo "make reference write the generated pages of docs/ anew"
	@echo "make install   the environment only, in $(VENV)"
	@echo "make clean     remove the environment and caches"

install: $(INSTALLED)

demo: $(INSTALLED)
	@$(RUN) -m t2t_mm.bin.demo

test: $(INSTALLED)
	@$(RUN) -m pytest -q $(IN_TWO)

test-all: $(INSTALLED)
	@$(RUN) -m pytest -q -m '' $(IN_TWO)

bench: $(INSTALLED)
	@$(RUN) -m benchmarks $(BENCH)

lint: $(INSTALLED)
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

docs: $(INSTALLED)
	@NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --quiet --strict

reference: $(INSTALLED)
	$(RUN) -m t2t_mm.reports.gin_reference > docs/gin_parameters.md
	$(RUN) -m t2t_mm.reports.command_reference > docs/reference/commands.md

clean:
	rm -rf .venv build dist site *.egg-info .pytest_cache .mypy_cache .ruff_cache

# `python3` may be too old, too new for TensorFlow's wheels, lack venv, or be a
# shim that runs nothing: each candidate has to prove itself.
$(INSTALLED): pyproject.toml setup.py
	@for candidate in $(PYTHON) python3 python3.13 python3.12 python3.11 python; do \
	  if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	      >/dev/null 2>&1; then found="$$candidate"; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "No Python 3.11, 3.12 or 3.13 with venv was found on PATH; install one, or say make PYTHON=/path/to/python" >&2; \
	  exit 2; \
	fi; \
	echo "Making the environment $(VENV) with $$found (TensorFlow is large: some minutes)"; \
	"$$found" -m venv "$(VENV)" && \
	"$(VENV)/bin/python" -m pip install --disable-pip-version-check --quiet -e ".[dev]" || { \
	  echo "The installation failed: it needs a network, or pip settings that name an index (see above)" >&2; \
	  exit 2; \
	}
	@touch "$@"
