# The commands that README.md speaks of. Everything runs from .venv, which tools/setup makes.
.PHONY: run test check bench setup setup-dev lock
VENV := .venv/bin
PORT ?= 4566
DATA ?= data

run: setup
	@tools/run $(PORT) $(DATA)

test: setup-dev
	$(VENV)/pytest -n 2 --dist loadfile

check: setup-dev
	$(VENV)/ruff format --check .
	$(VENV)/ruff check .
	$(VENV)/mypy
	$(VENV)/lint-imports
	$(VENV)/python tools/reference --check
	$(VENV)/python tools/pictures.py --check

bench: setup-dev
	$(VENV)/python bench/run.py

setup:
	@tools/setup run

setup-dev:
	@tools/setup test

lock:
	$(VENV)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --no-emit-index-url pyproject.toml --extra build -o requirements.lock
	$(VENV)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --no-emit-index-url pyproject.toml --extra build --group dev -o requirements-dev.lock
