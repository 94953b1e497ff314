# cxinsights. `make` alone lists what there is to do; every target sets up what it needs.

.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
NARROW = $(if $(STUDY),--study '$(STUDY)') $(if $(PERIOD),--period '$(PERIOD)') $(if $(REGION),--region '$(REGION)') \
         $(if $(UNIT),--unit '$(UNIT)') $(if $(ONLY),--only '$(ONLY)') $(if $(REPAIR),--repair) $(if $(WAIT),--wait)

OF_GALLERY = --study demo --region americas --unit bank# a brief is made of its unit's other reports
AS_ROOT = $(if $(filter 0,$(shell id -u)),--allow-root)# containers have no other user; it listens on this machine only

.PHONY: help env reports plan serve lab gallery test soak check bench lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: .venv/ready ## Build .venv from the lock, with the Jupyter kernel (done once)

# uv, itself from the lock, installs the rest in seconds; hashes are checked throughout
.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "cxinsights needs Python 3.11 or newer; give one: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Setting up .venv (once, about a minute) ..."
	@$(PYTHON) -m venv .venv
	@awk '/^uv==/ {on = 1} on {print} on && !/\\$$/ {exit}' requirements.lock > .venv/uv.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r .venv/uv.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --compile-bytecode -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

reports: env ## Make what is out of date, or narrow: STUDY= REGION= UNIT= ONLY= PERIOD= REPAIR=1 WAIT=1
	@$(BIN)/cxinsights run $(NARROW)

plan: env ## Say which reports `make reports` would make and why, and which are left out
	@$(BIN)/cxinsights plan $(NARROW)

serve: env ## Serve the reports on this machine: PORT=
	@$(BIN)/cxinsights serve $(if $(PORT),--port '$(PORT)')

lab: env ## Open JupyterLab on the notebooks
	$(BIN)/cxinsights import demo
	$(BIN)/jupyter lab --notebook-dir=. --LabApp.default_url=/lab/tree/notebooks $(AS_ROOT)

gallery: env ## Run the notebooks in notebooks/ again and keep their outputs
	$(BIN)/cxinsights run $(OF_GALLERY)
	$(BIN)/jupyter nbconvert --log-level=ERROR --to notebook --execute --inplace \
		--ExecutePreprocessor.record_timing=False notebooks/*.ipynb

test: env ## Run all tests (browser tests need Chromium, and say so where there is none)
	$(BIN)/cxinsights run $(OF_GALLERY)
	$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder --nbval \
		--nbval-sanitize-with tests/nbval.cfg notebooks tests

soak: env ## Run what takes too long for `make test`: many kernels, a thousand reports
	$(BIN)/pytest -m soak tests

check: env ## Check the code's form and every params file
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/cxinsights check

bench: env ## Measure against the field's other tools, in the same run
	$(BIN)/python -m benchmarks

lock: env ## Renew requirements.lock from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --extra cluster --extra test --extra bench --extra env --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --no-annotate --upgrade --quiet --output-file requirements.lock

clean: ## Remove what was made: reports, tables, the demo company, .venv; raw files stay
	rm -rf .venv outputs/*/ outputs/index.html data/*/tables data/*/private data/demo
