# The runbook's own words. Each verb is one line that calls a playbook; what a line does is said after the `##`.
#
#   INVENTORY=inventories/single_host   which platform (default: the lab)
#   ARGS='--check --limit node1'        passed on to ansible-playbook
#   VENV=.venv-oldest                   the oldest supported Ansible instead of the current one
#   TESTS='-k rollback'                 passed on to the end-to-end tests
INVENTORY ?= inventories/lab
ARGS ?=
VENV ?= .venv
HOSTS ?= 3
DEBIAN ?= 13

# An inventory that is not there is an error, not a run on no host that ends well.
PLAYBOOK = ANSIBLE_INVENTORY_UNPARSED_FAILED=true $(VENV)/bin/ansible-playbook -i $(INVENTORY) $(ARGS)
TOOLS = $(VENV)/.stamp
export VENV DEBIAN HOSTS
PYTEST = $(VENV)/bin/python -m pytest
# Its own tools are the current ones; the playbooks run with VENV's Ansible.
E2E = .venv/bin/python -m pytest tests/e2e -v $(TESTS)
LOCK = .tools/uv/bin/uv pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links $(UPGRADE)
PYTHON_CODE = plugins tests
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.tools/collections
export MOLECULE_GLOB = molecule/*/molecule.yml
# Its default is one folder for all checkouts of the same name, and what it remembers there of another makes it skip steps.
export MOLECULE_EPHEMERAL_DIRECTORY = $(CURDIR)/.cache/molecule
# Compiled Python belongs beside the tools, not into the tree.
export PYTHONPYCACHEPREFIX = $(CURDIR)/.cache/pycache
# Where it is forbidden, every ansible process compiles its whole library again, some seconds each time.
unexport PYTHONDONTWRITEBYTECODE

.NOTPARALLEL:
.DEFAULT_GOAL := help

help: ## show this list
	@awk -F ':.*## ' '/^#: /{printf "\n%s\n", substr($$0, 4)} /^[a-z][a-z0-9-]*:.*## /{printf "  make %-14s %s\n", $$1, $$2}' Makefile
	@printf '\nINVENTORY=%s  ARGS=%s\n' "$(INVENTORY)" "$(ARGS)"

#: The platform
setup: INVENTORY = inventories/development
setup: $(TOOLS) ## development environment from the runbook: clone, install, start, check
	$(PLAYBOOK) playbooks/setup_dev.yml
deploy-prod: $(TOOLS) ## make the hosts of the inventory run the platform
	$(PLAYBOOK) playbooks/deploy-prod.yml
setup-env: $(TOOLS) ## create or complete the inventory's vault file, list what a person has to bring (INVENTORY=… ARGS=-J)
	$(PLAYBOOK) playbooks/setup_env.yml
localhost_alone = localhost,
config-check: INVENTORY := $(if $(findstring config_check_env_file,$(ARGS)),$(localhost_alone),$(INVENTORY))
config-check: $(TOOLS) ## everything that is wrong with the settings; a file: ARGS='-e config_check_env_file=.env.production'
	$(PLAYBOOK) playbooks/config_check.yml
config-backup: $(TOOLS) ## the configuration that runs, encrypted, to a directory or S3: ARGS='-e config_backup_destination=…'
	$(PLAYBOOK) playbooks/config_backup.yml
config-restore: $(TOOLS) ## such a copy back into the inventory: ARGS='-e config_restore_from=FILE'
	$(PLAYBOOK) playbooks/config_restore.yml
preflight: $(TOOLS) ## everything that is wrong with inventory and hosts, in one report; changes nothing
	$(PLAYBOOK) playbooks/preflight.yml
drift: $(TOOLS) ## what runs differs from the inventory, or was changed by hand? fails when it does
	$(PLAYBOOK) playbooks/drift.yml
health: $(TOOLS) ## is the platform healthy? fails when it is not
	$(PLAYBOOK) playbooks/health.yml
status: $(TOOLS) ## what runs where, and in which version
	$(PLAYBOOK) playbooks/status.yml
logs: $(TOOLS) ## last lines of every service
	$(PLAYBOOK) playbooks/logs.yml
logs-backend: $(TOOLS) ## last lines of the backend
	$(PLAYBOOK) playbooks/logs.yml -e logs_service=backend
logs-ai: $(TOOLS) ## last lines of the AI engine
	$(PLAYBOOK) playbooks/logs.yml -e logs_service=ai-engine
up: $(TOOLS) ## start the platform
	$(PLAYBOOK) playbooks/start.yml
down: $(TOOLS) ## stop the platform; no data is removed
	$(PLAYBOOK) playbooks/stop.yml
restart: $(TOOLS) ## restart the services, one after the other
	$(PLAYBOOK) playbooks/restart.yml
scale: $(TOOLS) ## change the number of replicas
	$(PLAYBOOK) playbooks/scale.yml
releases: $(TOOLS) ## who released what, when, why, and what became of it
	$(PLAYBOOK) playbooks/releases.yml
drain: $(TOOLS) ## take a host out of service, its tasks first: ARGS='-e host=node2'
	$(PLAYBOOK) playbooks/drain.yml
undrain: $(TOOLS) ## take it back into service
	$(PLAYBOOK) playbooks/undrain.yml
reboot: $(TOOLS) ## restart hosts one after the other, drained: ARGS='-e host=node2' (or all)
	$(PLAYBOOK) playbooks/reboot.yml
remove-host: $(TOOLS) ## take a host out for good: ARGS='-e host=node4'
	$(PLAYBOOK) playbooks/remove_host.yml
docker-upgrade: $(TOOLS) ## new docker_version or docker_ settings, one host after the other, drained
	$(PLAYBOOK) playbooks/docker_upgrade.yml
maintenance: $(TOOLS) ## 503 with a message at the edge for a while; ARGS='-e state=off' ends it
	$(PLAYBOOK) playbooks/maintenance.yml
rollback: $(TOOLS) ## back to the release that served before
	$(PLAYBOOK) playbooks/rollback.yml
destroy: $(TOOLS) ## remove the platform with its data; asks for its name typed out
	$(PLAYBOOK) playbooks/destroy.yml

#: The lab: real hosts on this machine (HOSTS=3 DEBIAN=13)
demo: INVENTORY = inventories/lab
demo: $(TOOLS) lab ## bare lab hosts, deploy-prod.yml on them, then the health report
	$(PLAYBOOK) playbooks/deploy-prod.yml
	$(PLAYBOOK) playbooks/health.yml
lab: $(TOOLS) ## bare hosts and the services they need, reachable over SSH
	tests/lab/lab up --hosts $(HOSTS) --debian $(DEBIAN)
lab-status: $(TOOLS) ## what the lab runs
	tests/lab/lab status
lab-destroy: $(TOOLS) ## remove all of the lab
	tests/lab/lab destroy

#: Quality
tools: $(TOOLS) ## the tool chain in .venv: Ansible, molecule, linters, all locked by hash
lint: $(TOOLS) ## YAML, Ansible (production profile), Python, changelog, secrets
	$(VENV)/bin/ruff check $(PYTHON_CODE)
	$(VENV)/bin/ruff format --check $(PYTHON_CODE)
	$(VENV)/bin/yamllint --strict .
	$(VENV)/bin/ansible-lint -q
	$(VENV)/bin/antsibull-changelog lint
	tests/tools/secrets
format: $(TOOLS) ## bring Python into the form that lint wants
	$(VENV)/bin/ruff check --fix-only --quiet $(PYTHON_CODE)
	$(VENV)/bin/ruff format $(PYTHON_CODE)
types: $(TOOLS) ## mypy over plugins and tools
	$(VENV)/bin/mypy --package ansible_collections.halobuzz.platform.plugins
	$(VENV)/bin/mypy tests/tools tests/lab
units: $(TOOLS) ## unit tests, the project's conventions among them
	$(PYTEST) tests/unit -q
contract: $(TOOLS) ## each store of secrets against its server: vault file, AWS (moto), Vault
	$(PYTEST) tests/contract -q
sanity: $(TOOLS) ## ansible-test sanity
	tests/tools/sanity
docs: $(TOOLS) ## write role tables, docs/variables.md and docs/errors.md from their sources
	$(VENV)/bin/python tests/tools/role_docs.py
docs-check: $(TOOLS) ## fail when those are stale
	$(VENV)/bin/python tests/tools/role_docs.py --check
artefact: $(TOOLS) ## build the collection, install it elsewhere, use it by name
	tests/tools/artefact $(VENV)
oldest: .venv-oldest/.stamp ## units and artefact on the oldest supported Ansible
	$(MAKE) --no-print-directory units artefact VENV=.venv-oldest
molecule: $(TOOLS) ## molecule scenarios (SCENARIO=name for one, DESTROY=never to keep the lab)
	rm -rf $(MOLECULE_EPHEMERAL_DIRECTORY)
	$(VENV)/bin/molecule test --no-command-borders --destroy $(or $(DESTROY),always) $(if $(SCENARIO),--scenario-name $(SCENARIO),--all)
e2e: .venv/.stamp $(TOOLS) ## the promises end to end, on the lab
	$(E2E) -x -m 'not long'
bench: $(TOOLS) ## measure one thing: NAME=deploy_noop
	@test -f 'tests/bench/$(NAME).py' || { echo "usage: make bench NAME=one of:" $(basename $(notdir $(wildcard tests/bench/*.py))) >&2; exit 2; }
	$(VENV)/bin/python tests/bench/$(NAME).py
test test-full: export DESTROY = never
test: $(TOOLS) ## every promise once, from a clean clone
	@tests/tools/stages lint+sanity+types+units+contract+docs-check+artefact+oldest molecule e2e lab-destroy
test-full: $(TOOLS) ## the long matrices as well
	@tests/tools/stages lint+sanity+types+units+contract+docs-check+artefact+oldest molecule e2e-full lab-destroy

#: Upkeep
changelog: $(TOOLS) ## turn the fragments into CHANGELOG.md for the version in galaxy.yml
	$(VENV)/bin/antsibull-changelog release --cumulative-release
lock: $(TOOLS) ## pin requirements/*.in anew, with hashes (UPGRADE=--upgrade for newer versions)
	for name in uv controller oldest; do $(LOCK) requirements/$$name.in -o requirements/$$name.txt || exit 1; done
hooks: $(TOOLS) ## check every commit in this clone before it is made
	$(VENV)/bin/pre-commit install

e2e-full: .venv/.stamp $(TOOLS)
	$(E2E)
.venv/.stamp: requirements/controller.txt requirements/uv.txt tests/tools/venv
	@tests/tools/venv .venv requirements/controller.txt
.venv-oldest/.stamp: requirements/oldest.txt requirements/uv.txt tests/tools/venv
	@tests/tools/venv .venv-oldest requirements/oldest.txt

.PHONY: $(shell sed -n 's/^\([a-z][a-z0-9-]*\):.*/\1/p' Makefile)
