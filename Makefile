# Two commands: `make run` does the whole main job on the built-in catalogue, `make test` proves the code.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup run up test test-long test-processes lint clean bench-prepare bench-training bench-evaluation bench-flow
.PHONY: proof-readers proof-personal-data proof-near-duplicates proof-memory proof-exactness proof-resume proof-ray proof-study proof-intervals proof-summaries proof-verify proof-kills proof-concurrency proof-gate proof-power

help:  ## what there is to type
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-26s %s\n", $$1, $$2}'

# A failed installation leaves no .ready, so that the next call goes on with it.
$(READY): constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] < (3, 13) else "error: Python 3.11 or 3.12 is needed, found %s. Name one: make PYTHON=/path/to/python3.11 ..." % sys.version.split()[0])'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the packages of constraints.txt into $(VENV) (once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

setup: $(READY)  ## install what the others need, into .venv

run: $(READY)  ## collect, prepare, train, evaluate, register, gate and promote; then show what the champion writes
	@$(BIN)/ecom-llm run

up: $(READY)  ## Prefect's and MLflow's servers and pages, with the deployments; Ctrl-C stops everything
	@$(BIN)/ecom-llm up

test: $(READY)  ## the test suite
	@$(BIN)/python -m pytest -q -n 2 --dist loadgroup --no-loadscope-reorder -m "not processes and not long"

test-long: $(READY)  ## minutes of real runs: a study and an approval in a browser, trainings by several seeds, a killed sweep, servers that die
	@$(BIN)/python -m pytest -q -m long

test-processes: $(READY)  ## what trains in several processes for a minute each
	@$(BIN)/python -m pytest -q -m processes

lint: $(READY)  ## ruff
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

bench-prepare: $(READY)  ## cleaning 500 MB against datasets.map and datatrove (peers in an environment of their own)
	@$(BIN)/python -m benchmarks.prepare .state/bench-prepare --megabytes 500 --rounds 3

bench-training: $(READY)  ## useful tokens/s and time to a loss against TRL and Trainer; LOCATION=folder of RNNLG's laptop data
	@$(BIN)/python -m benchmarks.training .state/bench-training $(or $(LOCATION),data/sources)

bench-evaluation: $(READY)  ## perplexity and generation against evaluate's metric and transformers' pipeline (trains a small model once)
	@$(BIN)/python -m benchmarks.evaluation .state/bench-evaluation

bench-flow: $(READY)  ## what the flow costs over unchanged stages, against bare DVC and Prefect, and against ZenML
	@$(BIN)/python -m benchmarks.flow .state/bench-flow

proof-readers: $(READY)  ## N damaged files: records, counted rejects or one clear error, never anything else
	@$(BIN)/python -m proofs.readers $(or $(N),400)

proof-personal-data: $(READY)  ## recall and precision per type and language on the labelled set; none survives scrubbing
	@$(BIN)/python -m proofs.personal_data

proof-near-duplicates: $(READY)  ## recall against brute force on N texts, and the leak check
	@$(BIN)/python -m proofs.near_duplicates $(or $(N),5000)

proof-memory: $(READY)  ## the memory of collect and prepare, of N MB of reviews against half of them
	@$(BIN)/python -m proofs.memory $(or $(N),1000) $(SEED)

proof-exactness: $(READY)  ## packed, padded, accumulated and two processes against each text alone
	@$(BIN)/python -m proofs.exactness

proof-resume: $(READY)  ## N times kill -9 in a training of PROCESSES; the result is byte for byte that of none
	@$(BIN)/python -m proofs.resume $(or $(N),20) $(or $(SEED),1) $(or $(PROCESSES),1)

proof-ray: $(READY)  ## the same shops prepared natively and on Ray (here, and as a cluster of two): every byte compared
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[ray]'
	@$(BIN)/python -m proofs.ray

proof-study: $(READY)  ## N blind studies with simulated raters of known bias: intervals cover the true win rate, alpha is right
	@$(BIN)/python -m proofs.study $(or $(N),200) $(SEED)

proof-intervals: $(READY)  ## N simulated test sets of each size: how often intervals cover the truth, and what only a seed parts
	@$(BIN)/python -m proofs.intervals $(or $(N),500) $(or $(SEED),1)

proof-summaries: $(READY)  ## summaries of reviews whose opinions are known, of N products in two languages, beside a baseline
	@$(BIN)/python -m proofs.summaries $(or $(N),100)

proof-verify: $(READY)  ## N times one byte changed in a champion's weights, params, lock, reports, journal or data: verify finds and names each
	@$(BIN)/python -m proofs.verify $(or $(N),200) $(or $(SEED),1)

proof-kills: $(READY)  ## N kills of registrations, decisions, promotions, roll-backs and whole runs: reconcile mends each, the rerun is that of none
	@$(BIN)/python -m proofs.kills $(or $(N),100) $(or $(SEED),1)

proof-concurrency: $(READY)  ## 4 runs at once, then 20 promotions and roll-backs at once: one champion, and a journal that tells of it
	@$(BIN)/python -m proofs.concurrency

proof-gate: $(READY)  ## N (or all) bad candidates at the gate, each refused for its reason, beside other gates; or CANDIDATES=DIR of model folders
	@$(BIN)/python -m proofs.gate .state/proof-gate $(or $(N),0) $(CANDIDATES)

proof-power: $(READY)  ## N models that differ by a seed, and N better ones: equals should not be promoted, better ones should
	@OMP_NUM_THREADS=1 $(BIN)/python -m proofs.power .state/proof-power $(or $(N),20)

clean:  ## remove what runs left behind: state, caches and outputs (never sources)
	git clean -fdXq -- .state data/collected data/prepared models/model reports
