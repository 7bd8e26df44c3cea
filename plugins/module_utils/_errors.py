# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every error code of the collection, each with what a person does next. docs/errors.md is generated from this file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class ErrorCode(str, Enum):
    """Stable, documented error codes: ``result.error_code`` of a failed task is always one of these."""

    E_VARIABLES = "E_VARIABLES"
    E_CONFIG = "E_CONFIG"
    E_CONFIG_COPY = "E_CONFIG_COPY"
    E_VAULT = "E_VAULT"
    E_STORE_LOGIN = "E_STORE_LOGIN"
    E_STORE_DENIED = "E_STORE_DENIED"
    E_STORE_UNREACHABLE = "E_STORE_UNREACHABLE"
    E_STORE_THROTTLED = "E_STORE_THROTTLED"
    E_STORE_CONFLICT = "E_STORE_CONFLICT"
    E_INVENTORY = "E_INVENTORY"
    E_PREFLIGHT = "E_PREFLIGHT"
    E_HOST_UNREACHABLE = "E_HOST_UNREACHABLE"
    E_SSH_AUTH = "E_SSH_AUTH"
    E_SUDO = "E_SUDO"
    E_PYTHON_MISSING = "E_PYTHON_MISSING"
    E_PROBE_FAILED = "E_PROBE_FAILED"
    E_NOT_CONVERGED = "E_NOT_CONVERGED"
    E_FILE_INVALID = "E_FILE_INVALID"
    E_NO_SPACE = "E_NO_SPACE"
    E_REGISTRY = "E_REGISTRY"
    E_IMAGE = "E_IMAGE"
    E_IMAGE_UNFIT = "E_IMAGE_UNFIT"
    E_DOCKER = "E_DOCKER"
    E_ENGINE_AT_WORK = "E_ENGINE_AT_WORK"
    E_LOCKOUT = "E_LOCKOUT"
    E_FIREWALL = "E_FIREWALL"
    E_NO_QUORUM = "E_NO_QUORUM"
    E_MONGODB = "E_MONGODB"
    E_RELEASE_UNHEALTHY = "E_RELEASE_UNHEALTHY"
    E_LOCKED = "E_LOCKED"
    E_NO_RELEASE = "E_NO_RELEASE"
    E_SCHEMA_CONTRACT = "E_SCHEMA_CONTRACT"
    E_ROLLBACK_FAILED = "E_ROLLBACK_FAILED"
    E_CAPACITY = "E_CAPACITY"
    E_UNKNOWN_SERVICE = "E_UNKNOWN_SERVICE"
    E_CONFIRMATION = "E_CONFIRMATION"
    E_LIMIT = "E_LIMIT"
    E_UNHEALTHY = "E_UNHEALTHY"
    E_DRIFT = "E_DRIFT"


@dataclass(frozen=True)
class ErrorText:
    """What a code means (``cause``) and what to type next (``next_command``)."""

    cause: str
    next_command: str


ERROR_TEXTS: dict[ErrorCode, ErrorText] = {
    ErrorCode.E_VARIABLES: ErrorText(
        "A variable is missing, misspelt, of the wrong type or out of range.",
        "correct the inventory, then: make preflight",
    ),
    ErrorCode.E_CONFIG: ErrorText(
        "The platform's environment has errors: a setting is missing, malformed, weak, or an example that was never replaced.",
        "correct what the report lists (docs/config-rules.md explains each rule), then: make config-check",
    ),
    ErrorCode.E_CONFIG_COPY: ErrorText(
        "A copy of the configuration is not there, or cannot be opened; nothing was changed.",
        "see docs/operations/config_backup.md",
    ),
    ErrorCode.E_VAULT: ErrorText(
        "The vault file cannot be read or written with the password of this run; it is as it was.",
        "run again with ARGS=-J, or ARGS='--vault-password-file FILE'",
    ),
    ErrorCode.E_STORE_LOGIN: ErrorText(
        "The store of secrets does not accept the credentials of this run, or there are none.",
        "who you are is shown by: aws sts get-caller-identity, or: vault token lookup; a vault file wants ARGS=-J",
    ),
    ErrorCode.E_STORE_DENIED: ErrorText(
        "The store of secrets knows the credentials of this run, but they lack a right.",
        "grant the right that the message names (docs/operations/secret_stores.md lists all)",
    ),
    ErrorCode.E_STORE_UNREACHABLE: ErrorText(
        "The store of secrets does not answer.",
        "check region or VAULT_ADDR, endpoint and network from the controller, then run again",
    ),
    ErrorCode.E_STORE_THROTTLED: ErrorText(
        "The store of secrets refuses further requests for now; what was done is done.", "wait a minute, then run again"
    ),
    ErrorCode.E_STORE_CONFLICT: ErrorText(
        "Somebody else changes the same secret, or left a change unfinished; nothing was overwritten.",
        "see that no other run is at work, then run again",
    ),
    ErrorCode.E_INVENTORY: ErrorText(
        "The inventory lacks a group or an address that this playbook needs.",
        "ansible-inventory --graph, compare with inventories/single_host/hosts.yml",
    ),
    ErrorCode.E_PREFLIGHT: ErrorText(
        "A host does not meet the platform's requirements; nothing was changed.",
        "mend what the report lists, then: make preflight",
    ),
    ErrorCode.E_HOST_UNREACHABLE: ErrorText(
        "A host does not answer over SSH; nothing was changed on any host.",
        "ssh to the address in the message, or leave the host out: ARGS='--limit !HOST'",
    ),
    ErrorCode.E_SSH_AUTH: ErrorText(
        "A host refused the SSH user or key.", "ssh -v USER@ADDRESS with the key in ansible_ssh_private_key_file"
    ),
    ErrorCode.E_SUDO: ErrorText(
        "The SSH user cannot become root without a password.",
        "add NOPASSWD for the user, or run with ARGS=--ask-become-pass",
    ),
    ErrorCode.E_PYTHON_MISSING: ErrorText(
        "The host has no usable Python 3.", "apt-get install python3 on the host, or set ansible_python_interpreter"
    ),
    ErrorCode.E_PROBE_FAILED: ErrorText(
        "Reading the state of a host failed.", "run again with ARGS=-vvv and read the probe's output"
    ),
    ErrorCode.E_NOT_CONVERGED: ErrorText(
        "After applying a role, the host still differs from what is wanted.",
        "run the playbook again with ARGS='--limit HOST --diff'",
    ),
    ErrorCode.E_FILE_INVALID: ErrorText(
        "A rendered file was refused by its own checker; the old file is still in place.",
        "correct the variable behind the file, then run again",
    ),
    ErrorCode.E_NO_SPACE: ErrorText("A file system is full.", "df -h on the host; free space, then run again"),
    ErrorCode.E_REGISTRY: ErrorText(
        "The image registry does not answer, or refuses us.", "curl -I https://REGISTRY/v2/ from the host"
    ),
    ErrorCode.E_IMAGE: ErrorText(
        "An image does not exist in the registry under that name and tag.",
        "check platform_version and the image names in catalog_services",
    ),
    ErrorCode.E_IMAGE_UNFIT: ErrorText(
        "A freshly built image does not start; it was not pushed.",
        "read the container's last lines above; fix the release",
    ),
    ErrorCode.E_DOCKER: ErrorText(
        "The Docker engine does not answer.", "systemctl status docker; journalctl -u docker -n 50"
    ),
    ErrorCode.E_ENGINE_AT_WORK: ErrorText(
        "A change to Docker would restart the engine of a host that serves.",
        "make docker-upgrade   (drains and upgrades one host after the other)",
    ),
    ErrorCode.E_LOCKOUT: ErrorText(
        "The new firewall rules would shut out the machine that runs the playbook; they were not loaded.",
        "add your address to firewall_management_addresses, or your SSH port to firewall_ssh_ports",
    ),
    ErrorCode.E_FIREWALL: ErrorText(
        "The firewall's rules could not be loaded or confirmed; the host goes back to those it had.",
        "nft list table inet halobuzz_firewall on the host; correct the firewall_ variables, then run again",
    ),
    ErrorCode.E_NO_QUORUM: ErrorText(
        "The Swarm has no majority of managers: running tasks are left alone, nothing can be changed.",
        "start the missing managers; docs/operations/quorum.md",
    ),
    ErrorCode.E_MONGODB: ErrorText(
        "MongoDB's replica set or users could not be read or brought into shape.", "make health; docker logs mongodb"
    ),
    ErrorCode.E_RELEASE_UNHEALTHY: ErrorText(
        "The release did not become healthy before its deadline.",
        "make logs; make releases",
    ),
    ErrorCode.E_LOCKED: ErrorText(
        "Another run is changing the platform.",
        "wait until it ends, or end it on its controller: the lock goes with it; make status shows what runs meanwhile",
    ),
    ErrorCode.E_NO_RELEASE: ErrorText(
        "There is no such release, or nothing to start: no release was ever good here, or a container of the data tier is missing.",
        "make deploy-prod",
    ),
    ErrorCode.E_SCHEMA_CONTRACT: ErrorText(
        "A release since then removed from the database what the older version needs; its images cannot come back.",
        "deploy a corrected version, or restore a backup from before",
    ),
    ErrorCode.E_ROLLBACK_FAILED: ErrorText(
        "The release to go back to did not become healthy either; the one that ran before the rollback is back.",
        "make status; make logs; make releases; then ARGS='-e release=<number>' with another release",
    ),
    ErrorCode.E_CAPACITY: ErrorText(
        "The hosts have not enough memory for that many replicas.", "lower replicas, or add a host to the group 'app'"
    ),
    ErrorCode.E_UNKNOWN_SERVICE: ErrorText(
        "No service of that name is in the catalogue.", "make status lists the services"
    ),
    ErrorCode.E_CONFIRMATION: ErrorText(
        "This deletes data and asks for the platform's name typed out.",
        "run again with -e destroy_confirm=<the platform's name>",
    ),
    ErrorCode.E_LIMIT: ErrorText(
        "With --limit, most hosts are left out, but this acts on services of the whole platform; nothing was changed.",
        "run again without --limit, or leave out only the hosts that are down",
    ),
    ErrorCode.E_DRIFT: ErrorText(
        "What runs differs from what the inventory wants, or was changed by hand.",
        "make deploy-prod brings it back; ARGS=--check shows what it would do",
    ),
    ErrorCode.E_UNHEALTHY: ErrorText("The platform is not healthy.", "make health; make status; make logs"),
}


def failure(code: ErrorCode, message: str, next_command: str | None = None) -> dict[str, object]:
    """Return the result keys of a failed task: what happened, why, and the next command.

    :param code: one of the documented codes.
    :param message: the specific thing and reason, in one or more lines, never holding a secret.
    :param next_command: overrides the code's general advice where a more exact command is known.
    :returns: ``{failed, error_code, msg}`` for an action's result or ``fail_json``.
    """
    text = ERROR_TEXTS[code]
    return {
        "failed": True,
        "error_code": code.value,
        "msg": f"{code.value}: {message}\nNext: {next_command or text.next_command}",
    }
