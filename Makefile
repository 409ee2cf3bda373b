# `make quickstart` sets everything up and runs the main job; `make test` passes the tests.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PEERS  := .venv-peers
CRATES := .venv-crates
READER := .venv-reader
CLUSTER := .venv-cluster
PACK   ?= out/quickstart.etz
STUDIES := agreement causal_tracing direction edges function_vectors gender_bias greater_than induction ioi_gpt2 knockout logit_lens
LOWEST := .venv-lowest
UV     := $(VENV)/lock/bin/uv pip install --quiet --no-config --python $(LOWEST)/bin/python
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check

quickstart: $(VENV)/installed
	$(BIN)/entrack run specs/quickstart.et --out out/quickstart

# In three processes, each with one thread: many tests wait for a process or a lock. `python -m pytest` by itself runs the same tests in one.
test: check audit
	$(BIN)/python -m pytest --numprocesses 3 --dist worksteal

# Both executors on COUNT cases that are drawn anew each time; `make test` has some hundred, always the same.
differential: COUNT ?= 5000
differential: $(VENV)/installed-dev
	ENTRACK_DIFFERENTIAL_COUNT=$(COUNT) $(BIN)/python -m pytest tests/differential

check: $(VENV)/installed-dev
	$(BIN)/ruff check entrack tests benchmarks docs specs
	$(BIN)/ruff format --check entrack tests benchmarks docs specs
	$(BIN)/mypy

# The conftest.py of each folder has the same name, so mypy takes one at a time.
check-conftests: check
	for each in $$(find tests -name conftest.py); do $(BIN)/mypy --no-error-summary $$each || exit 1; done

# Known vulnerabilities of what constraints.txt names. Says what it could not look up; AUDIT=strict fails then too.
audit: $(VENV)/installed-dev $(VENV)/audit/asked-for
	$(BIN)/python tests/architecture/audit.py $(VENV)/audit/bin/pip-audit

# What is measured and how: docs/benchmarks.md. ARGS are options of `python -m benchmarks`, such as ARGS="--only 'hop 1' --resume".
bench-quick: $(VENV)/installed $(PEERS)/installed
	$(BIN)/python -m benchmarks --peers $(PEERS)/bin/python $(ARGS)

bench: $(VENV)/installed $(PEERS)/installed
	$(BIN)/python -m benchmarks --size full --peers $(PEERS)/bin/python $(ARGS)

# A study at its full size without its models: everything but the computing, with made-up outcomes, from an empty store and again from the full one.
rehearsal: $(VENV)/installed
	$(BIN)/python -m benchmarks.rehearsal $(ARGS)

# Runs and forecasts that are kept, of shipped specs with made-up outcomes: the same bytes as from nothing? Minutes.
.PHONY: kept-runs
kept-runs: $(VENV)/installed
	ENTRACK_KEPT_RUNS=1 $(BIN)/python -m pytest -q tests/plan/test_kept_runs.py

# The four experiments of docs/coming-from.md with entrack and with other libraries: the same numbers?
side-by-side: $(VENV)/installed $(PEERS)/installed
	$(BIN)/python docs/side_by_side/compare.py $(PEERS)/bin/python

# What an editor asks of the language server: completion at 200 positions, COUNT random edits, and a Neovim that finishes a spec (skipped where there is none).
.PHONY: lsp-test
lsp-test: COUNT ?= 10000
lsp-test: $(VENV)/installed-dev
	ENTRACK_EDITOR=$(COUNT) $(if $(SEED),ENTRACK_EDITOR_SEED=$(SEED)) $(BIN)/python -m pytest -rs -s --timeout 7200 tests/editor

# The laws of the formatter, the store and the scheduler on examples that are drawn anew; `make test` has always the same.
laws: COUNT ?= 2000
laws: $(VENV)/installed-dev
	ENTRACK_LAWS=$(COUNT) $(BIN)/python -m pytest tests/syntax/test_laws.py tests/store tests/execution/test_scheduler.py

# How often 95 % intervals hold the true value, on COUNT data sets a row and n; ARGS="--only accuracy" or ARGS=--write, which puts the table on its
# page (docs/semantics.md).
coverage: COUNT ?= 2000
coverage: $(VENV)/installed-dev
	PYTHONPATH=tests/analysis $(BIN)/python -m intervals_cover --count $(COUNT) $(ARGS)

# How often certified claims are decided wrongly, and how many prompts they take, in COUNT runs of each kind; ARGS=--write puts the tables on
# their page (docs/semantics.md).
certified: COUNT ?= 2000
certified: $(VENV)/installed-dev
	PYTHONPATH=tests/analysis $(BIN)/python -m claims_certified --count $(COUNT) $(ARGS)

# How often a race keeps what all prompts would, and what it spares, by simulation (docs/semantics.md); some minutes.
racing: COUNT ?= 500
racing: $(VENV)/installed-dev
	PYTHONPATH=tests/analysis $(BIN)/python -m races_run --count $(COUNT) $(ARGS)

# How many of the heads that `keep significant at 5 %` finds are false, on COUNT data sets; ARGS as of `make coverage`.
false-discoveries: COUNT ?= 2000
false-discoveries: $(VENV)/installed-dev
	PYTHONPATH=tests/analysis $(BIN)/python -m false_discoveries --count $(COUNT) $(ARGS)

# Whether the tests of entrack/analysis see COUNT changes of one operator or number (docs/trust.md).
mutants: COUNT ?= 200
mutants: $(VENV)/installed-dev
	PYTHONPATH=tests $(BIN)/python -m mutants --count $(COUNT) $(ARGS)

# What is promised, tried again and again: make stress COUNT=50, ONLY="kills specs", SEED=7 (docs/trust.md).
stress: COUNT ?= 1
stress: $(VENV)/installed-dev
	PYTHONPATH=tests:tests/robustness $(BIN)/python -m stress --count $(COUNT) $(if $(SEED),--seed $(SEED)) $(ONLY)

# What `make stress` was called before.
torture: stress

# The whole study on the constructed models, held against the answers that were written down before it was run (docs/studies/boxes_pointer.md).
pointer: $(VENV)/installed
	$(BIN)/entrack run specs/boxes_pointer/study.et --strict --out out/boxes_pointer

# The page report.html and every page of the site in a Chromium that is on this machine (ENTRACK_CHROMIUM says where, if it is called otherwise);
# four to seven minutes. `make test` has the first of them too.
browser-test: $(VENV)/installed-dev
	ENTRACK_SITE=1 $(BIN)/python -m pytest -rs tests/report/test_page_in_browser.py tests/docs/test_site_in_browser.py

# The pages of docs/ as a site in out/site, which can be read from the folder; every warning is an error. `make site-serve` shows it while it is
# written, at http://127.0.0.1:8000.
.PHONY: site site-serve
site: $(VENV)/installed-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --config-file docs/site/mkdocs.yml

site-serve: $(VENV)/installed-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs serve --config-file docs/site/mkdocs.yml

# Shared results on nginx and sshd of this machine, which are started for it, killed and harmed (Debian: nginx-light, libnginx-mod-http-dav-ext,
# openssh-server); some minutes of waiting. Says what is not installed.
remote-test: $(VENV)/installed-dev
	ENTRACK_SERVERS=1 $(BIN)/python -m pytest -rs -s tests/remote

# Every kind of figure from made-up results, in the width of each column and of a slide, into out/figures: to be looked at.
.PHONY: figures
figures: $(VENV)/installed-dev
	PYTHONPATH=tests/report $(BIN)/python -m gallery out/figures

docs: $(VENV)/installed-dev
	$(BIN)/python docs/build.py

# docs/notebook.ipynb, executed and written back with its outputs; then look at them.
.PHONY: notebook
notebook: $(VENV)/installed-dev
	$(BIN)/python docs/run_notebook.py

smollm2: $(VENV)/installed-dev
	$(BIN)/python specs/ioi/fetch_smollm2.py

lora: smollm2
	mkdir -p specs/boxes_smollm2/smollm2
	cp specs/ioi/smollm2/* specs/boxes_smollm2/smollm2/

# A spec reads nothing outside its folder, so each study has a link to the one file.
studies: smollm2
	for study in $(STUDIES); do mkdir -p specs/$$study/smollm2 && ln -f specs/ioi/smollm2/* specs/$$study/smollm2/ || exit 1; done

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# Every archive is held against its digest in the lock, but for torch, whose builds differ from machine to machine (tests/architecture/lock.py).
# What torch needs is there by then, so that pip fetches only torch itself and, for a build with CUDA, NVIDIA's libraries.
$(VENV)/installed: pyproject.toml constraints.txt requirements.lock $(VENV)/bin/python
	$(PIP) --require-hashes --no-deps --requirement requirements.lock
	$(PIP) --constraint constraints.txt torch
	$(PIP) --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.lock
	$(PIP) --require-hashes --no-deps --requirement requirements-dev.lock
	touch $@

# After a change of constraints.txt or of what pyproject.toml asks for. Needs the network.
lock: $(VENV)/lock/asked-for
	$(PYTHON) tests/architecture/lock.py $(VENV)/lock/bin/uv

# The oldest versions that pyproject.toml allows, in an environment of their own, and some tests of each layer. TORCH=2.13.0+cpu tries them with
# another torch than the oldest; UV_FIND_LINKS names a folder of archives to look in. Needs the network.
lower-bounds: $(VENV)/lock/asked-for
	$(PYTHON) -m venv --clear $(LOWEST)
	echo "$(if $(TORCH),torch==$(TORCH))" > $(LOWEST)/overrides
	$(UV) --resolution lowest-direct --overrides $(LOWEST)/overrides --requirements pyproject.toml
	$(UV) editables hatchling hypothesis interegular packaging pytest pytest-timeout pytest-xdist pyyaml
	$(UV) --no-deps --no-build-isolation --editable .
	$(LOWEST)/bin/python -m pytest tests/syntax/test_grammar.py tests/prompts/test_prompts_golden.py tests/plan/test_address.py \
		tests/store/test_store_round_trip.py tests/engine/test_engine_evaluate.py tests/report/test_tables.py tests/e2e/test_e2e_screen.py

$(VENV)/lock/asked-for: $(VENV)/bin/python
	$(PYTHON) -m venv $(VENV)/lock
	$(VENV)/lock/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9'
	touch $@

$(VENV)/audit/asked-for: $(VENV)/bin/python
	-$(PYTHON) -m venv $(VENV)/audit && $(VENV)/audit/bin/python -m pip install --quiet --disable-pip-version-check 'pip-audit>=2.9,<3' && touch $@

# The metadata of a pack against the profiles that it names, in an environment of their validator's own. Needs the network the first time.
crates: $(VENV)/installed-dev $(CRATES)/installed
	$(BIN)/python -m pytest tests/artifact/test_crate.py

# The whole study of specs/boxes as a pack: every claim holds, level 1 finds the same bytes, and level 2 something under each claim. Some minutes from
# an empty store; the tests have a smaller study.
boxes-pack: $(VENV)/installed
	$(BIN)/entrack run specs/boxes/study.et --strict --out out/boxes
	$(BIN)/entrack pack specs/boxes/study.et --out out/boxes.etz
	$(BIN)/entrack verify out/boxes.etz
	$(BIN)/entrack verify out/boxes.etz --minutes $(MINUTES)

boxes-pack: MINUTES ?= 1

# Workers on Dask, Ray and a Slurm of its own on loopback (docs/cluster.md), some minutes. What of them is not on this machine is skipped, and why is
# said: Slurm is the system's (Debian and Ubuntu: apt-get install slurm-wlm).
cluster-test: $(VENV)/installed-dev $(CLUSTER)/installed
	ENTRACK_CLUSTER=$(CLUSTER)/bin/python $(BIN)/python -m pytest -rs tests/cluster

# The whole study of specs/boxes on Dask, Ray and Slurm, and on workers of Dask of which KILLS are killed: the same bytes as alone. Half an hour or more.
.PHONY: cluster-study
cluster-study: KILLS ?= 100
cluster-study: $(VENV)/installed-dev $(CLUSTER)/installed
	ENTRACK_CLUSTER_STUDY=1 KILLS=$(KILLS) ENTRACK_CLUSTER=$(CLUSTER)/bin/python $(BIN)/python -m pytest -rs $(ARGS) tests/cluster/test_study.py

# What a reader of a pack needs, without torch, in an environment of its own, and how long that takes (docs/publishing.md): make reader PACK=study.etz
reader: $(PACK)
	$(PYTHON) -m venv --clear $(READER)
	@began=$$(date +%s) && $(READER)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --requirement requirements-reader.lock \
	&& $(READER)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation . \
	&& ! $(READER)/bin/python -c "import torch" 2> /dev/null && installed=$$(date +%s) && $(READER)/bin/entrack verify $(PACK) \
	&& echo "installed in $$((installed - began)) s, verified in $$(($$(date +%s) - installed)) s"

out/quickstart.etz: $(VENV)/installed specs/quickstart.et
	$(BIN)/entrack run specs/quickstart.et --out out/quickstart
	$(BIN)/entrack pack specs/quickstart.et --out $@

$(CRATES)/installed:
	$(PYTHON) -m venv $(CRATES)
	$(CRATES)/bin/python -m pip install --quiet --disable-pip-version-check 'roc-validator>=0.13,<0.14' 'rocrate>=0.13'
	touch $@

# .venv, and beside it what a cluster needs; torch is not fetched again.
$(CLUSTER)/installed: $(VENV)/installed requirements-cluster.lock
	$(PYTHON) -m venv --clear $(CLUSTER)
	$(BIN)/python -c 'import sysconfig; print("import site; site.addsitedir(%r)" % sysconfig.get_path("purelib"))' \
		> $$($(CLUSTER)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/beside.pth
	-$(CLUSTER)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --requirement requirements-cluster.lock && touch $@

# The peers have packages of their own, which entrack does without. Where they cannot be had, the benchmarks go on without them, and say so.
$(PEERS)/installed: benchmarks/constraints.txt
	$(PYTHON) -m venv $(PEERS)
	-$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --constraint benchmarks/constraints.txt transformer-lens pyvene && touch $@

# The extension for VS Code as a file (`code --install-extension out/entrack.vsix`), and its tests: the grammar over small cases and shipped specs, and
# the bundle in an editor that is not one. Needs node 20 and, the first time, the npm registry; no package runs a script.
.PHONY: vsix
vsix: editors/vscode/node_modules/installed
	mkdir -p out
	cd editors/vscode && npm run --silent package -- --out ../../out/entrack.vsix

.PHONY: vscode-test
vscode-test: editors/vscode/node_modules/installed
	cd editors/vscode && npm run --silent test:grammar && npm run --silent test:snapshots && npm run --silent bundle \
	&& ENTRACK=$$($(abspath $(BIN))/entrack lsp --help > /dev/null 2>&1 && echo $(abspath $(BIN))/entrack) npm run --silent test:extension

# Vim, Neovim and Emacs with the files of editors/, those that are here: colours, indentation, `:make` and its errors.
.PHONY: editors-test
editors-test: $(VENV)/installed-dev
	ENTRACK_EDITORS=1 $(BIN)/python -m pytest -rs tests/docs/test_editors_at_work.py

editors/vscode/node_modules/installed: editors/vscode/package-lock.json
	cd editors/vscode && npm ci --ignore-scripts --no-audit --no-fund
	touch $@

clean:
	rm -rf $(VENV) $(PEERS) $(CRATES) $(READER) $(CLUSTER) $(LOWEST) out dist editors/vscode/node_modules editors/vscode/dist

.PHONY: boxes-pack browser-test crates reader laws coverage false-discoveries certified racing mutants side-by-side lock lower-bounds pointer quickstart test differential stress torture check check-conftests audit bench-quick bench docs smollm2 lora studies clean rehearsal remote-test cluster-test
