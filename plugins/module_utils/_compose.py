# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The development environment as a Compose project, derived from the service catalogue. Pure logic."""

from __future__ import annotations

import hashlib
import json
import secrets as random_source
import string
from collections.abc import Callable
from typing import Any

from ansible_collections.halobuzz.platform.plugins.module_utils import _stack

_HEALTHY = {"condition": "service_healthy"}
# The users of the official images, by number.
_DATABASE_USER = "999:999"
_LOOPBACK = "127.0.0.1"
# Where the databases are, by the setting that names them.
_DATABASES = {"MONGODB_URI": "mongodb", "REDIS_URL": "redis"}


def _text(length: int) -> str:
    """Return random letters and digits: nothing that a URI, a shell or a template would have to escape."""
    return "".join(map(random_source.choice, [string.ascii_letters + string.digits] * length))


# Services check the shape of what they get from third parties; "test" stands where the provider's own test keys have it.
_SHAPES: dict[str, Callable[[], str]] = {
    "ENCRYPTION_KEY": lambda: random_source.token_hex(32),
    "AGORA_APP_ID": lambda: random_source.token_hex(16),
    "AGORA_APP_CERT": lambda: random_source.token_hex(16),
    "STRIPE_SECRET_KEY": lambda: f"sk_test_{_text(48)}",
    "STRIPE_WEBHOOK_SECRET": lambda: f"whsec_{_text(32)}",
    "KHALTI_PUBLIC_KEY": lambda: f"test_public_key_{random_source.token_hex(16)}",
    "KHALTI_SECRET_KEY": lambda: f"test_secret_key_{random_source.token_hex(16)}",
    "OPENAI_API_KEY": lambda: f"sk-{_text(48)}",
    "SENDGRID_API_KEY": lambda: f"SG.{_text(22)}.{_text(43)}",
    "TWILIO_ACCOUNT_SID": lambda: f"AC{random_source.token_hex(16)}",
    "TWILIO_AUTH_TOKEN": lambda: random_source.token_hex(16),
    # The number that Twilio's test credentials may send from (twilio.com/docs/iam/test-credentials).
    "TWILIO_PHONE_NUMBER": lambda: "+15005550006",
    # 6 to 1024 characters of base64 (mongodb.com/docs/manual/core/security-internal-authentication, "Keyfiles").
    "mongodb_keyfile": lambda: _text(756),
}
_INTERNAL = ("mongodb_keyfile", "mongodb_administrator", "mongodb_application", "redis")


def secret_names(services: list[dict[str, Any]]) -> list[str]:
    """Return the names of every secret that a development environment makes up: the catalogue's and its own."""
    wanted = {name for service in services for name in service.get("secrets", [])} - set(_DATABASES)
    return sorted(wanted) + list(_INTERNAL)


def completed_secrets(kept: dict[str, str], services: list[dict[str, Any]]) -> dict[str, str]:
    """Return the kept secrets and a fresh random value for each that is missing: a kept one is never replaced."""
    made = {name: _SHAPES.get(name, lambda: _text(64))() for name in secret_names(services) if not kept.get(name)}
    return {**made, **kept}


def database_settings(secrets: dict[str, str], replica_set: str, database: str) -> dict[str, str]:
    """Return what the services are told about the databases, by setting."""
    application = f"application:{secrets['mongodb_application']}"
    return {
        "MONGODB_URI": f"mongodb://{application}@mongodb:27017/{database}?replicaSet={replica_set}&authSource=admin",
        "REDIS_URL": f"redis://:{secrets['redis']}@redis:6379",
    }


def _literal(value: Any) -> Any:
    """Double every ``$`` in the texts of a structure, so that Compose takes them literally.

    Rule: github.com/compose-spec/compose-spec/blob/main/12-interpolation.md.
    """
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, dict):
        return {key: _literal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_literal(item) for item in value]
    return value


def _base() -> dict[str, Any]:
    return {"restart": "unless-stopped", "cap_drop": ["ALL"], "security_opt": ["no-new-privileges"]}


def _healthcheck(test: list[str], start_seconds: int, timeout_seconds: int = 10) -> dict[str, Any]:
    # More patient than in production: a developer's machine also builds, and one service's failure stops the others' start.
    return {
        "test": test,
        "interval": "5s",
        "timeout": f"{timeout_seconds}s",
        "retries": 6,
        "start_period": f"{start_seconds}s",
    }


def _mongodb(settings: dict[str, Any]) -> dict[str, Any]:
    command = ["mongod", "--replSet", settings["replica_set"], "--bind_ip_all"]
    return {
        **_base(),
        "image": settings["mongodb_image"],
        "command": [*command, "--wiredTigerCacheSizeGB", "0.25", "--keyFile", "/run/secrets/mongodb-keyfile"],
        "user": _DATABASE_USER,
        "ports": [f"{_LOOPBACK}:{settings['mongodb_port']}:27017"],
        "secrets": ["mongodb-keyfile", "mongodb-users"],
        "configs": [
            {"source": "mongodb-health", "target": "/halobuzz/mongodb-health"},
            {"source": "mongodb-initiate", "target": "/halobuzz/mongodb-initiate.js"},
        ],
        "volumes": ["mongodb:/data/db"],
        # The first check starts the shell, which takes seconds on a busy machine.
        "healthcheck": _healthcheck(["CMD", "bash", "/halobuzz/mongodb-health"], 90, timeout_seconds=60),
        "stop_grace_period": "60s",
    }


def _redis(settings: dict[str, Any]) -> dict[str, Any]:
    return {
        **_base(),
        "image": settings["redis_image"],
        "command": ["redis-server", "/run/secrets/redis.conf"],
        "user": _DATABASE_USER,
        "ports": [f"{_LOOPBACK}:{settings['redis_port']}:6379"],
        "secrets": ["redis.conf"],
        "volumes": ["redis:/data"],
        # A refusal for want of a password is a sign of life too, and keeps the password off the command line.
        "healthcheck": _healthcheck(["CMD-SHELL", "redis-cli ping | grep -Eq 'PONG|NOAUTH'"], 30),
    }


def _application(service: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    name = service["name"]
    databases = [database for setting, database in _DATABASES.items() if setting in service.get("secrets", [])]
    depends_on = dict.fromkeys([*databases, *service.get("depends_on", [])], _HEALTHY)
    build = service.get("build")
    rendered: dict[str, Any] = {
        **_base(),
        "image": f"{settings['project']}/{name}:{settings['image_tag']}"
        if build
        else f"{settings['image_prefix']}{service['image']}:{settings['image_tag']}",
    }
    if build:
        # Compose would ask Docker Hub for that name first, and take what somebody has put there.
        rendered["pull_policy"] = "never"
        rendered["build"] = {
            "context": f"{settings['checkout_dir']}/{build.get('context') or '.'}",
            "dockerfile": f"{settings['checkout_dir']}/{build['dockerfile']}",
            "args": {"BASE_IMAGE": settings["base_image"]},
        }
    return {
        **rendered,
        "entrypoint": ["/bin/sh", "/halobuzz/entrypoint"],
        "command": service["command"],
        "environment": {"NODE_ENV": "development"},
        "ports": [f"{_LOOPBACK}:{service['port']}:{service['port']}"],
        "secrets": [{"source": f"{name}.env", "target": "environment"}],
        "configs": [{"source": "entrypoint", "target": "/halobuzz/entrypoint"}],
        "volumes": service.get("volumes", []),
        "depends_on": depends_on,
        "healthcheck": _healthcheck(_stack.liveness_command(service), service.get("start_period_seconds", 30)),
        "stop_grace_period": f"{service.get('stop_grace_seconds', 30)}s",
        "mem_limit": f"{service.get('memory_limit_mb', 512)}m",
    }


def _sources(service: dict[str, Any], kind: str) -> list[str]:
    return [entry if isinstance(entry, str) else entry["source"] for entry in service.get(kind, [])]


def render_compose(services: list[dict[str, Any]], settings: dict[str, Any]) -> dict[str, Any]:
    """Derive the whole Compose file from the catalogue.

    Settings of services travel in mounted files that the entry point reads, as in the Swarm stack, and not in
    ``env_file`` or ``environment``: Compose would interpolate their ``$``, and ``docker inspect`` would show them.

    :param services: ``catalog_services``.
    :param settings: ``{project, checkout_dir, files_dir, image_prefix, image_tag, base_image, mongodb_image, redis_image,
        replica_set, mongodb_port, redis_port, files: {name below files_dir: {content, ...}}}``.
    :returns: a Compose file as a mapping. It holds no secret: files appear by name, and by a fingerprint in the label
        ``halobuzz.spec``, so that another content means another container.
    """
    rendered: dict[str, Any] = {"mongodb": _mongodb(settings), "redis": _redis(settings)}
    for service in services:
        rendered[service["name"]] = _application(service, settings)
    secrets = sorted({name for service in rendered.values() for name in _sources(service, "secrets")})
    configs = sorted({name for service in rendered.values() for name in _sources(service, "configs")})
    for service in rendered.values():
        contents = [settings["files"][name] for kind in ("secrets", "configs") for name in _sources(service, kind)]
        spec = json.dumps([service, contents], sort_keys=True)
        service["labels"] = {_stack.SPEC_LABEL: hashlib.sha256(spec.encode()).hexdigest()}
    volumes = sorted({entry.split(":", 1)[0] for service in rendered.values() for entry in service.get("volumes", [])})
    compose = {
        "name": settings["project"],
        "services": rendered,
        "secrets": {name: {"file": f"{settings['files_dir']}/{name}"} for name in secrets},
        "configs": {name: {"file": f"{settings['files_dir']}/{name}"} for name in configs},
        "volumes": {name: {} for name in volumes},
    }
    literal: dict[str, Any] = _literal(compose)
    return literal


def container_name(project: str, service: str) -> str:
    """Return the name that Compose gives a service's only container."""
    return f"{project}-{service}-1"


def wanted_containers(compose: dict[str, Any]) -> list[dict[str, str]]:
    """Return what the module drift compares: name and fingerprint of each container of a rendered project."""
    return [
        {"name": container_name(compose["name"], name), "spec": service["labels"][_stack.SPEC_LABEL]}
        for name, service in compose["services"].items()
    ]


def health_checks(
    services: list[dict[str, Any]], secrets: dict[str, str], settings: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return the checks for the module health_info: each service's readiness from the host, and both databases.

    :param secrets: the development environment's own, from :func:`completed_secrets`.
    :param settings: as for :func:`render_compose`.
    """
    checks: list[dict[str, Any]] = [
        {
            "id": service["name"],
            "kind": "http",
            "title": service["title"],
            "target": f"http://localhost:{service['port']}{service['readiness_path']}",
            # Releases that want HTTPS whatever NODE_ENV says are content with what an edge would send.
            "headers": {"X-Forwarded-Proto": "https"},
            "hang_hint": "on this platform a readiness that hangs points to Redis",
        }
        for service in reversed(services)
    ]
    mongodb, redis = (f"{_LOOPBACK}:{settings[f'{name}_port']}" for name in ("mongodb", "redis"))
    checks.append(
        {
            "id": "mongodb",
            "kind": "mongodb",
            "title": "MongoDB",
            "target": settings["replica_set"],
            "hosts": [mongodb],
            "names": {"mongodb:27017": "mongodb", mongodb: mongodb},
            "replica_set": settings["replica_set"],
            "user": "administrator",
            "password": secrets["mongodb_administrator"],
            "container": container_name(settings["project"], "mongodb"),
        }
    )
    checks.append(
        {
            "id": "redis",
            "kind": "redis",
            "title": "Redis",
            "target": redis,
            "password": secrets["redis"],
            "policy": "noeviction",
            "container": container_name(settings["project"], "redis"),
        }
    )
    return checks


def health_lines(health: dict[str, Any]) -> list[str]:
    """Say a health report in the runbook's words ("Quick Start Guide", expected output), and what is wrong where it is."""
    lines = []
    for check in health["checks"]:
        where = f"{check['target']} " if check["kind"] == "http" else ""
        if check["ok"]:
            lines.append(f"✅ {check['title']}: {where.strip() or check['detail']}")
        else:
            lines.append(f"❌ {check['title']}: {where}{check['detail']}")
        lines += [f"⚠️  {check['title']}: {warning}" for warning in check["warnings"]]
    return [*lines, "✅ Services running successfully" if health["healthy"] else health["summary"]]
