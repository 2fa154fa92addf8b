# Every verb of a developer's day; `make help` lists them. Each installs what it needs and is missing (.ci/setup).

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.ONESHELL: # a recipe is one script, which stops at the first failure

envs     := $(CURDIR)/.envs
results  := $(envs)/results
python   := $(envs)/python-current/bin/python
# The two pairs in which the R package is tested: this machine's reticulate, and a current one with NumPy 2.
r        := RETICULATE_PYTHON=$(envs)/python-r/bin/python
r_new    := RETICULATE_PYTHON=$(python) R_LIBS=$(envs)/rlib-current:$(envs)/rlib
report   := $(envs)/uv/bin/python .ci/report

# The same words, sort order and arithmetic everywhere; nothing from the caller's Python or R gets in.
export LC_ALL := C.UTF-8
export TF_CPP_MIN_LOG_LEVEL := 3
export KERAS_BACKEND := tensorflow
export HYPOTHESIS_STORAGE_DIRECTORY := $(envs)/cache/hypothesis
unexport PYTHONPATH PYTHONHOME R_LIBS
# Tests run two at a time: threads of small matrices would wait for each other, many times as long as they compute.
test-python test-jax test-torch test-kernels test-fast check check-cran test-r-current test-packaging: export OPENBLAS_NUM_THREADS := 1
# A third of the installed package is vignettes with pictures, and half is the core. R's own limit is 5 MB, above which it has
# a note; a release explains it.
check check-cran: export _R_CHECK_PKG_SIZES_THRESHOLD_ := 6

version  := $(shell sed -n 's/^Version: //p' DESCRIPTION)
tarball  := dist/bandlens_$(version).tar.gz
# What the R package is made of; folders count too, so that a deleted file is noticed.
sources  := $(shell find DESCRIPTION NAMESPACE NEWS.md README.md R man inst python vignettes/. tests/testthat* tests/fixtures \
              .Rbuildignore cleanup \( -name __pycache__ -o -name '*.egg-info' \) -prune -o -print 2>/dev/null)

# --- The two commands -----------------------------------------------------------------------------------------------

.PHONY: demo
demo: setup-demo $(envs)/rlib-demo/.installed ## the whole job from R on real data; tables, pictures and report in demo/
	mkdir -p demo
	R_LIBS=$(envs)/rlib-demo $(r) Rscript inst/examples/landsat.R demo

$(envs)/rlib-demo/.installed: $(sources) | setup-demo
	mkdir -p $(@D)
	R CMD INSTALL --no-docs --library=$(@D) .
	touch $@

.PHONY: test
test: setup ## everything CI runs; ends with the line "N passed, N failed"
	@.ci/test lint-python lint-r typecheck test-python test-jax check test-r-current test-packaging

.PHONY: test-all
test-all: setup ## the same with the slow tests
	@PYTEST_ADDOPTS='-m ""' BACKEND_TESTS=tests/python .ci/test \
	  lint-python lint-r typecheck test-python test-jax test-torch test-kernels bench-small check test-r-current test-packaging

# Leaves out: lintr; the contract of every method, layers, random networks, checks, features, most pictures, other backends;
# all that R does with Python, R's pictures and reports; packaging. So run `make test` before you hand anything on.
FAST_TESTS := $(addprefix tests/python/test_,$(addsuffix .py,architecture bridge datasets errors groups heads interrupts known_answers \
                missing not_finite package pieces plots_maps saliency schema statistics))
.PHONY: test-fast
test-fast: lint-python typecheck setup-r ## what to run between edits: types, closed forms, errors, R without Python; < 3 minutes
	$(python) -m pytest -n 2 -q $(FAST_TESTS) $(ARGS)
	CI=true NOT_CRAN=true RETICULATE_PYTHON=/nowhere/python RETICULATE_MINICONDA_ENABLED=FALSE Rscript \
	  -e 'testthat::test_local(filter = "^(autoplot|render)", invert = TRUE, reporter = "check")'

# --- Setup ----------------------------------------------------------------------------------------------------------

.PHONY: setup setup-demo setup-python setup-r setup-r-current
setup: ## install all that the other verbs need
	@.ci/setup r-test python-r python-current reticulate-current
setup-demo:
	@.ci/setup r-demo python-r
setup-python:
	@.ci/setup python-current
setup-r:
	@.ci/setup r-test python-r
setup-r-current:
	@.ci/setup r-test python-current reticulate-current

# --- Python and R, the same verbs -------------------------------------------------------------------------------------

.PHONY: lint lint-python lint-r
lint: lint-python lint-r ## ruff, lintr
lint-python: setup-python
	$(python) -m ruff check .
	$(python) -m ruff format --check .
lint-r: setup-r
	Rscript -e 'pkgload::load_all(quiet = TRUE); lints <- lintr::lint_package(); print(lints); q(status = length(lints) > 0)'

.PHONY: format
format: setup-python ## rewrite the Python sources as ruff wants them
	$(python) -m ruff check --fix .
	$(python) -m ruff format .

.PHONY: schema
schema: setup-python ## tell R of the fields of results, after one was added to a Python class
	PYTHONPATH=python $(python) -m bandlens.r.schema

.PHONY: typecheck
typecheck: setup-python ## mypy
	$(python) -m mypy

.PHONY: test-python
test-python: setup-python ## pytest; ARGS='-k deepshap' chooses
	rm -rf $(results)/test-python*
	BANDLENS_NO_SKIP=1 $(python) -m pytest -n 2 --junitxml=$(results)/test-python.xml $(ARGS) || status=$$?
	$(report) test-python $(results)/test-python.xml
	exit $${status:-0}

# What could differ between backends; nothing here may need TensorFlow, but for what it is compared with.
BACKEND_TESTS ?= $(addprefix tests/python/test_,$(addsuffix .py,backends deepshap features_truth inputs known_answers layer_matrix \
                   methods_gradients methods_perturbation precision random_architectures ratios saliency tasks unchanged))
.PHONY: test-jax
test-jax: setup-python ## the same on JAX, as if TensorFlow were not installed
	rm -rf $(results)/test-jax*
	KERAS_BACKEND=jax BANDLENS_NO_SKIP=1 $(python) -m pytest -n 2 --junitxml=$(results)/test-jax.xml $(BACKEND_TESTS) $(ARGS) || status=$$?
	$(report) test-jax $(results)/test-jax.xml
	exit $${status:-0}

.PHONY: test-torch
test-torch: ## the same on PyTorch
	.ci/setup python-torch
	rm -rf $(results)/test-torch*
	KERAS_BACKEND=torch BANDLENS_NO_SKIP=1 $(envs)/python-torch/bin/python -m pytest -n 2 \
	  --junitxml=$(results)/test-torch.xml $(BACKEND_TESTS) $(ARGS) || status=$$?
	$(report) test-torch $(results)/test-torch.xml
	exit $${status:-0}

# oneDNN's kernels are tested wherever TensorFlow uses it by itself; its own are what many processors are left with.
.PHONY: test-kernels
test-kernels: setup-python ## the same on TensorFlow without oneDNN
	rm -rf $(results)/test-kernels*
	TF_ENABLE_ONEDNN_OPTS=0 BANDLENS_NO_SKIP=1 $(python) -m pytest -n 2 --junitxml=$(results)/test-kernels.xml $(BACKEND_TESTS) $(ARGS) || status=$$?
	$(report) test-kernels $(results)/test-kernels.xml
	exit $${status:-0}

# Hours: with ARGS='--seconds 3600' it ends, and another call goes on from there.
.PHONY: test-truth
test-truth: setup-python ## all random networks and layers, for every number of bands and outputs, on three backends
	.ci/setup python-torch
	$(python) tests/python/truth.py --backend tensorflow --backend jax $(ARGS) || status=$$?
	$(envs)/python-torch/bin/python tests/python/truth.py --backend torch $(ARGS) || status=$$?
	exit $${status:-0}

.PHONY: check
check: $(tarball) setup-r ## R CMD check of the built package; must say Status: OK
	rm -rf $(results)/check* $(envs)/check
	mkdir -p $(envs)/check
	BANDLENS_NO_SKIP=1 NOT_CRAN=true $(r) R CMD check --no-manual --output=$(envs)/check $(tarball) || status=$$?
	[ ! -e $(envs)/check/bandlens.Rcheck/tests/testthat.Rout.fail ] || tail -n 200 $(envs)/check/bandlens.Rcheck/tests/testthat.Rout.fail
	$(report) check $(envs)/check/bandlens.Rcheck/tests/testthat.Rout*
	grep -qx 'Status: OK' $(envs)/check/bandlens.Rcheck/00check.log || { echo 'R CMD check must say "Status: OK"'; exit 1; }
	tar -tzf $(tarball) bandlens/build/vignette.rds >/dev/null || { echo 'vignette() would list no vignettes'; exit 1; }
	exit $${status:-0}

# Neither repositories nor the clock are asked, so that what is said is about the package. What TensorFlow does is not: the
# first example waits for it to start, and it leaves files behind.
.PHONY: check-cran
check-cran: $(tarball) setup-r ## R CMD check --as-cran, with Python and on a machine that has none
	mkdir -p $(envs)/no-repository/src/contrib
	touch $(envs)/no-repository/src/contrib/PACKAGES
	{ printf 'menu_name\tURL\tdefault\tsource\twin.binary\tmac.binary\n'
	  for name in CRAN BioCsoft BioCann BioCexp; do
	    printf '%s\t%s\tfile://%s\tTRUE\tTRUE\tFALSE\tFALSE\n' $$name $$name $(envs)/no-repository
	  done; } >$(envs)/no-repository/repositories
	export R_REPOSITORIES=$(envs)/no-repository/repositories R_RD4PDF=times,hyper
	export _R_CHECK_CRAN_INCOMING_REMOTE_=false _R_CHECK_SYSTEM_CLOCK_=0
	export _R_CHECK_EXAMPLE_TIMING_THRESHOLD_=20 _R_CHECK_THINGS_IN_TEMP_DIR_EXCLUDE_='^__autograph_generated_file'
	for python in $(envs)/python-r/bin/python /nowhere/python; do
	  rm -rf $(envs)/check-cran
	  mkdir -p $(envs)/check-cran
	  RETICULATE_PYTHON=$$python RETICULATE_MINICONDA_ENABLED=FALSE \
	    R CMD check --as-cran $(ARGS) --output=$(envs)/check-cran $(tarball) || status=1
	  grep -qx 'Status: OK' $(envs)/check-cran/bandlens.Rcheck/00check.log || { echo "Not OK with $$python"; status=1; }
	done
	exit $${status:-0}

# Without R's pictures, which no Python is asked for; `check` compares them.
.PHONY: test-r-current
test-r-current: $(tarball) setup-r-current ## the same package's tests with a current reticulate and NumPy 2
	rm -rf $(results)/test-r-current* $(envs)/rlib-current $(envs)/check-current
	mkdir -p $(results) $(envs)/rlib-current $(envs)/check-current
	$(r_new) R CMD INSTALL --no-docs --library=$(envs)/rlib-current $(tarball)
	tar -xzf $(tarball) -C $(envs)/check-current
	cd $(envs)/check-current/bandlens/tests
	BANDLENS_NO_SKIP=1 NOT_CRAN=true $(r_new) Rscript -e 'library(bandlens)' \
	  -e 'testthat::test_check("bandlens", filter = "^autoplot", invert = TRUE)' 2>&1 | tee $(results)/test-r-current.log || status=$$?
	cd $(CURDIR)
	$(report) test-r-current $(results)/test-r-current.log
	exit $${status:-0}

.PHONY: test-packaging
test-packaging: setup-python setup-r ## every way to install either package
	rm -rf $(results)/test-packaging*
	$(python) -m pytest -n 2 --dist worksteal tests/packaging --junitxml=$(results)/test-packaging.xml $(ARGS) || status=$$?
	$(report) test-packaging $(results)/test-packaging.xml
	exit $${status:-0}

.PHONY: coverage
coverage: setup-python setup-r ## lines that no test reaches
	.ci/setup python-torch
	$(python) -m pytest -n 2 --cov --cov-report=
	KERAS_BACKEND=jax $(python) -m pytest -n 2 --cov --cov-append --cov-report= $(BACKEND_TESTS)
	KERAS_BACKEND=torch $(envs)/python-torch/bin/python -m pytest -n 2 --cov --cov-append --cov-report=term $(BACKEND_TESTS)
	rm -rf $(envs)/coverage && mkdir -p $(envs)/coverage
	tar -xzf $(tarball) -C $(envs)/coverage
	NOT_CRAN=true $(r) Rscript -e 'print(covr::package_coverage("$(envs)/coverage/bandlens"))'
coverage: $(tarball)

.PHONY: bench
bench: setup-python ## speed, on this machine
	for name in deepshap methods inputs segmentation features cams interactions planted_truth background_draws containers scene cluster interval_cost pooling \
	  interval_coverage answer; do $(python) tests/benchmarks/$$name.py || exit 1; done
	$(python) tests/benchmarks/interval_coverage.py --precision 0.05 --repeats 100
	KERAS_BACKEND=jax $(python) tests/benchmarks/gpu.py

.PHONY: bench-small
bench-small: setup-python ## that the benchmarks run
	for name in deepshap inputs segmentation features cams interactions containers scene cluster interval_cost pooling interval_coverage answer; do \
	  $(python) tests/benchmarks/$$name.py --small || exit 1; done
	$(python) tests/benchmarks/interval_coverage.py --small --precision 0.1
	.ci/setup python-torch
	KERAS_BACKEND=jax $(python) tests/benchmarks/gpu.py --small
	KERAS_BACKEND=torch $(envs)/python-torch/bin/python tests/benchmarks/gpu.py --small

# --- Documentation and packages ---------------------------------------------------------------------------------------

.PHONY: document
document: setup-r ## NAMESPACE and man/ from the roxygen comments
	$(r) Rscript -e 'roxygen2::roxygenise()'

.PHONY: vignettes
vignettes: setup-r ## vignettes/*.Rmd with output and pictures from their sources, *.Rmd.orig; ARGS=checking chooses
	$(r) Rscript vignettes/precompute.R $(ARGS)

.PHONY: site
site: $(tarball) ## docs/: the website, by pkgdown; needs no internet
	.ci/setup r-site
	rm -rf $(envs)/site docs
	mkdir -p $(envs)/site
	R CMD INSTALL --library=$(envs)/site $(tarball)
	R_LIBS=$(envs)/site Rscript -e 'options(pkgdown.internet = FALSE)' \
	  -e 'pkgdown::build_site(examples = FALSE, preview = FALSE, new_process = FALSE, install = FALSE)'

.PHONY: build
build: $(tarball) setup-python ## dist/: the R package, the Python wheel and source distribution
	$(envs)/uv/bin/python -m uv build --quiet --out-dir dist .

# R CMD build first copies everything there is, the environments too; so it gets a copy without them.
$(tarball): $(sources) | setup-r
	rm -rf $(envs)/stage
	mkdir -p $(envs)/stage/bandlens dist
	tar -c --exclude=./.envs --exclude=./.git --exclude=./demo --exclude=./dist . | tar -x -C $(envs)/stage/bandlens
	cd dist
	$(r) R CMD build --no-manual $(envs)/stage/bandlens

.PHONY: clean
clean: ## remove what was built; the environments stay (rm -rf .envs removes them)
	rm -rf build demo dist docs python/*.egg-info $(results)
	rm -rf $(addprefix $(envs)/,cache check check-cran check-current coverage rlib-current rlib-demo site stage vignettes)

.PHONY: help
help:
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24
