# Only Rust and Python 3 are assumed; each target installs what it needs below .venv*, by the groups of pyproject.toml.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

VENV := $(CURDIR)/.venv
export PATH := $(VENV)/bin:$(PATH)
export MOTO_PYTHON := $(VENV)/bin/python3
# Authomize's own client has models of pydantic 1: it cannot share a venv with the rest.
CONFORMANCE_VENV := $(CURDIR)/.venv-conformance
export CONFORMANCE_PYTHON := $(CONFORMANCE_VENV)/bin/python3
export FINDINGS_PYTHON := $(VENV)/bin/python3
# Checkov pins an older SDK of AWS than the rest wants.
POLICIES_VENV := $(CURDIR)/.venv-policies

ARCH ?= $(patsubst aarch64,arm64,$(shell uname -m))
RUST_TARGET := $(patsubst arm64,aarch64,$(ARCH))-unknown-linux-gnu
# Lambda's own: arm64 costs a fifth less.
LAMBDA_ARCH = $(if $(filter command line environment,$(origin ARCH)),$(ARCH),arm64)
AWS_DEPLOY = python3 -B -m deploy
OF_ORG = $(if $(SECRET_ID),--secret-id '$(SECRET_ID)')
# cargo-lambda asks rustup for the target's standard library, even where it is installed.
TARGET_FLAGS = $(if $(filter arm64,$(ARCH)),--arm64,--x86-64) \
  $(if $(wildcard $(shell rustc --print sysroot)/lib/rustlib/$(RUST_TARGET)),--skip-target-check)

# A build of the watch is asked for by SAM.
.PHONY: build-Watch
.PHONY: help run check test pictures looks soak bench build package configure deploy upgrade invoke logs status destroy peek past load findings paths suites watch cases erase \
  policies prose fmt doc clean rust python programs venv demo-tools build-tools package-tools test-tools looks-tools pictures-tools \
  conformance-venv findings-tools suites-tools erase-tools policies-venv

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z-]+):.*## /\1\t/' | \
	  while IFS=$$'\t' read -r name text; do printf '  make %-10s %s\n' "$$name" "$$text"; done

run: rust python ## Collect a demo org into out/, or your own: OKTA_SECRET=path/to/secret.json make run; JSON where the output is no terminal, or ARGS=--json
	@$(MAKE) -j3 programs demo-tools conformance-venv >&2
	@python3 -B -m demo $(ARGS)

check: venv ## Whether the credentials open the org, as a table: the deployed function's (SECRET_ID=okta/acme in a fleet), or OKTA_SECRET=path/to/secret.json
	@$(if $(OKTA_SECRET)$(REPORT),$(MAKE) rust && python3 -B -m demo.check $(if $(REPORT),--report $(REPORT)),$(AWS_DEPLOY) check $(OF_ORG))

test: rust python ## Run every check that CI runs and say how long each took; the last line is the count of tests
	@$(MAKE) -j2 test-tools conformance-venv
	@$(MAKE) looks-tools
	@mkdir -p target && python3 -B -m findings.athena > target/athena.yaml
	@python3 -B .ci/checks.py

pictures: rust demo-tools conformance-venv pictures-tools ## Make the pictures of the documents anew, from the program
	@python3 -B -m pictures.shots

looks: rust looks-tools ## Look at the status page in a browser, in every state, width and scheme
	@cargo test --quiet --locked --package okta-authomize --test rules -- pages::
	@python3 -B -m pictures.looks

# Users, groups and apps of the largest org that is thought of.
SIZE_OF_ORG ?= 1000000,100000,20000
soak: rust test-tools policies ## What is slow and rarely fails: policies, hostile input, the model, the simulation, histories of tables, ways; HOSTILE_CASES=50 MODEL_CASES=20000 DAYS_CASES=1000 SIMULATION_CASES=20000
	HOSTILE_CASES=$(or $(HOSTILE_CASES),50) PROPTEST_CASES=20000 MODEL_CASES=$(or $(MODEL_CASES),20000) DAYS_CASES=$(or $(DAYS_CASES),1000) \
	  SIMULATION_CASES=$(or $(SIMULATION_CASES),20000) EXHAUSTIVE_CHANGES=$(or $(EXHAUSTIVE_CHANGES),3) \
	  cargo test --locked --package okta-authomize -- hostile scrub model:: simulation:: --nocapture
	SIZE_OF_ORG=$(SIZE_OF_ORG) cargo test --locked --package okta-authomize --test bounds -- --nocapture
	TABLE_HISTORIES=$(or $(TABLE_HISTORIES),1000) $(FINDINGS_PYTHON) -B -m unittest findings.tests.test_tables
	PATH_ORGS=$(or $(PATH_ORGS),200) PATH_MOMENTS=$(or $(PATH_MOMENTS),20) $(FINDINGS_PYTHON) -B -m unittest findings.tests.test_paths

CHECKOV = $(POLICIES_VENV)/bin/checkov --skip-download --compact --quiet
policies: test-tools policies-venv ## Hold the templates and the Terraform module against checkov's policies
	@mkdir -p target && python3 -B -m findings.athena > target/athena.yaml
	python3 -B -m deploy.plain template.yaml target/plain.json
	python3 -B -m deploy.plain fleet.yaml target/plain-fleet.json
	$(CHECKOV) --framework terraform --directory terraform
	$(CHECKOV) --framework cloudformation --file template.yaml fleet.yaml alerts.yaml target/athena.yaml target/plain.json target/plain-fleet.json

bench: rust ## Measure the release build against a large fake org; writes bench/results.md (Linux)
	@python3 -B -m bench

build: rust build-tools ## Build the functions below target/lambda/ for this machine's processor; ARCH=arm64 or x86_64 for another
	cargo lambda build --release --locked --package okta-authomize $(TARGET_FLAGS)
	cargo lambda build --release --locked --package okta-authomize-loader --bin okta-authomize-loader $(TARGET_FLAGS)
	python3 -B -m deploy.watch $(ARCH)

package: rust build-tools package-tools ## Make dist/, which deploys without a toolchain: functions, SHA-256, parts list; ARCH=arm64 (as a rule) or x86_64
	@$(MAKE) build ARCH=$(LAMBDA_ARCH)
	@python3 -B -m deploy package --arch $(LAMBDA_ARCH)

configure: venv ## Ask for an org's domain and credentials and write them into Secrets Manager; nothing is kept here
	@$(AWS_DEPLOY) configure

deploy: package ## Deploy to AWS, asking four questions
	@$(AWS_DEPLOY) deploy --arch $(LAMBDA_ARCH)

upgrade: package ## Deploy this version with the answers of before, a fleet as well
	@$(AWS_DEPLOY) upgrade --arch $(LAMBDA_ARCH)

invoke: venv ## Start a run of the deployed function and print its report (SECRET_ID=okta/acme in a fleet); EVENT='{"mode": "full"}' says more, WHICH=loader loads
	@$(AWS_DEPLOY) invoke $(OF_ORG) $(if $(EVENT),--event '$(EVENT)') $(if $(WHICH),--which $(WHICH))

logs: venv ## The deployed function's log of 15 minutes; MINUTES=60, FOLLOW=1, WHICH=loader
	@$(AWS_DEPLOY) logs $(if $(MINUTES),--minutes $(MINUTES)) $(if $(FOLLOW),--follow) $(if $(WHICH),--which $(WHICH))

status: venv ## Links to the status pages that are good for five minutes
	@$(AWS_DEPLOY) status

destroy: venv ## Remove the stack; the bucket with the data and the secrets stay
	@$(AWS_DEPLOY) destroy

peek: rust ## Verify out/ and show what is in it; ARGS="users 00u" shows records, ARGS=--help the rest
	@$(if $(WHO),$(MAKE) findings ARGS="--who $(WHO) $(if $(AS_OF),--as-of $(AS_OF)) $(ARGS)",$(if $(AS_OF)$(DIFF)$(WHY),$(MAKE) past,cargo run --quiet --locked --package reader --bin peek -- $(ARGS)))

past:
	@$(MAKE) findings-tools >&2
	@$(FINDINGS_PYTHON) -B -m findings.past $(if $(AS_OF),--as-of $(AS_OF)) $(if $(DIFF),--diff $(DIFF)) $(if $(WHY),--why $(WHY)) $(ARGS)

# Standard output is for the answers alone.
watch: ## One wake-up of the watch on out/: tables, cases, and what opened and closed; ARGS="--dir DIR --integration NAME --json"
	@$(MAKE) findings-tools >&2
	@$(FINDINGS_PYTHON) -B -m watch $(ARGS)

cases: ## Open and accepted cases of out/; ARGS=ID shows one, "--plan ID" what to do, "--accept ID --reason WHY --until DAY" accepts one
	@$(MAKE) findings-tools >&2
	@$(FINDINGS_PYTHON) -B -m watch.listing $(ARGS)

erase: ## Remove a person who was deleted in Okta: USER=00u… ARGS="--dir DIR --integration NAME --yes", or --bucket NAME for the bucket itself
	@$(MAKE) erase-tools >&2
	@$(FINDINGS_PYTHON) -B -m watch.erase $(if $(filter command line,$(origin USER)),--user '$(USER)') $(ARGS)

findings: ## What out/ says of posture and attacks; ARGS="--dir DIR --integration NAME --json", ARGS=--help the rest
	@$(MAKE) findings-tools >&2
	@$(FINDINGS_PYTHON) -B -m findings $(ARGS)

paths: ## Who can become super admin in out/, by which steps, and the fewest removals that close the ways; AT=2026-11-01, ARGS="--dir DIR --integration NAME --json"
	@$(MAKE) findings-tools >&2
	@$(FINDINGS_PYTHON) -B -m findings.paths $(if $(AT),--at $(AT)) $(ARGS)

suites: ## Try the findings on public suites of rules: DIR=folder with clones of panther-analysis, customer-detections, sigma, detection-rules
	@$(MAKE) suites-tools >&2
	@$(FINDINGS_PYTHON) -B -m findings.suites $(DIR) $(ARGS)

load: rust conformance-venv ## Load out/ into a fake Authomize, or AUTHOMIZE_SECRET=file into your own; ARGS=plan only tells what would be sent
	@python3 -B -m demo.load $(ARGS)

fmt: rust test-tools ## Format the Rust and the Python code
	cargo fmt --all
	ruff format

prose: python ## Count habits of speech in comments, names of tests and documents; ARGS="--lines FILE" shows each place
	@python3 -B .ci/prose.py $(ARGS)

doc: rust ## Build the Rust documentation into target/doc
	cargo doc --workspace --no-deps --locked

clean: rust ## Remove all that was built or installed; out/ stays
	cargo clean
	rm -rf .aws-sam dist .venv .venv-conformance .venv-policies

# What `sam build` asks for; `make package` makes the archive itself.
build-Watch: venv
	python3 -B -m deploy.watch $(LAMBDA_ARCH)
	cp -r target/lambda/okta-authomize-watch/. findings watch "$(ARTIFACTS_DIR)/"
	mkdir -p "$(ARTIFACTS_DIR)/schemas" && cp -r schemas/streams "$(ARTIFACTS_DIR)/schemas/"

# The oldest Rust that builds it, as Cargo.toml says; rustc tells its version as `rustc 1.90.0 (...)`, or `1.90.0-nightly`.
RUST_VERSION = $(shell sed -nE 's/^rust-version = "(.+)"$$/\1/p' Cargo.toml)

rust:
	@command -v cargo >/dev/null && command -v rustc >/dev/null || { \
	  echo 'Rust is missing: install it from https://rustup.rs and open a new shell.' >&2; exit 1; }
	@found=$$(rustc --version | cut -d ' ' -f 2); \
	awk -v found="$$found" -v wanted='$(RUST_VERSION)' 'BEGIN { split(found, is, "[.-]"); split(wanted, want, "."); \
	  exit !(is[1] + 0 > want[1] + 0 || is[1] + 0 == want[1] + 0 && is[2] + 0 >= want[2] + 0) }' || { \
	  echo "Rust $(RUST_VERSION) or newer is needed, and rustc is $${found:-of no known version}: rustup update, or install it from https://rustup.rs." >&2; exit 1; }
	@command -v cc >/dev/null || { \
	  echo 'A C compiler (cc) is missing: on Debian and Ubuntu, apt install build-essential; on Fedora, dnf install gcc; on macOS, xcode-select --install.' >&2; exit 1; }

python:
	@PATH="$${PATH#$(VENV)/bin:}"; \
	python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || { echo 'Python 3.10 or newer is missing: install python3.' >&2; exit 1; }; \
	python3 -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv module is missing: on Debian and Ubuntu, apt install python3-venv." >&2; exit 1; }

# What is listed of Python packages: where it has changed, pip is asked again.
GROUPS_OF = sed -n '/^\[dependency-groups\]/,/^\[tool/p' pyproject.toml

# $(1) the virtual environment, $(2) the group, $(3) MB, $(4) options of pip. The lists' copy comes last, so that a
# broken-off installation is done again.
define install
	@$(1)/bin/python3 -c '' 2>/dev/null || { rm -rf $(1); PATH="$${PATH#$(VENV)/bin:}" python3 -m venv $(1); }
	@cmp -s <($(GROUPS_OF)) $(1)/installed/$(2) || { \
	  echo 'Installing the group $(2) of pyproject.toml into $(notdir $(1)) (once, about $(3) MB)'; \
	  pip="$(1)/bin/python3 -m pip --disable-pip-version-check"; \
	  { $$pip install --help | grep -q -e '--group' || $$pip install --quiet 'pip>=25.1'; } && \
	  $$pip install --progress-bar off $(4) --group $(2) | \
	    sed -nE 's/^(Collecting [^ ]+|Installing collected packages).*/  $(notdir $(1)): \1/p' && \
	  mkdir -p $(1)/installed && $(GROUPS_OF) > $(1)/installed/$(2) && \
	  echo '  $(notdir $(1)): $(2) is installed'; }
endef

# What `make run` starts, with one command: all of it shares what it depends on.
programs: rust
	@cargo build --locked --package fake-org --bin fake-org --package okta-authomize --bin okta-authomize --package okta-authomize-loader --bin load

# Those of one environment are installed one after another: pip does not wait for another pip.
venv: python
	$(call install,$(VENV),run,140)

demo-tools: venv
	$(call install,$(VENV),findings,70)

findings-tools: python
	$(call install,$(VENV),findings,100)

suites-tools: python
	$(call install,$(VENV),suites,110)

erase-tools: python
	$(call install,$(VENV),erase,140)

build-tools: venv
	$(call install,$(VENV),build,450)

package-tools: build-tools
	$(call install,$(VENV),package,110)

test-tools: python
	$(call install,$(VENV),test,530)

looks-tools: venv
	$(call install,$(VENV),looks,3,--no-deps)

pictures-tools: venv
	$(call install,$(VENV),pictures,25,--no-deps)

conformance-venv: python
	$(call install,$(CONFORMANCE_VENV),conformance,40)

policies-venv: python
	$(call install,$(POLICIES_VENV),policies,450)
