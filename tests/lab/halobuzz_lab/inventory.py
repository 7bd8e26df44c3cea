"""The generated inventory: hosts.yml for the hosts that exist, and secrets.yml, made once."""

from __future__ import annotations

import base64
import json
import re
import secrets
import shutil
import string
from pathlib import Path

from .hosts import existing_hosts, ssh_options
from .settings import DOMAIN, REGISTRY_PORT, Lab

_ALPHANUMERIC = string.ascii_letters + string.digits
_HOSTILE = ("$", '"', "'", "/", "é", " ", "%", "@", ":", "#", "\\")


def groups(hosts: list[str]) -> dict[str, list[str]]:
    """Hosts per group. Replica set and managers take three hosts, or one where there are fewer than three."""
    quorum = hosts[:3] if len(hosts) >= 3 else hosts[:1]
    first = hosts[:1]
    return {
        "edge": hosts,
        "app": hosts,
        "swarm_managers": quorum,
        "mongodb": quorum,
        "redis": first,
        "monitoring": first,
        "backup": first,
        "build": first,
    }


def render_hosts(lab: Lab, addresses: dict[str, str]) -> str:
    """Text of hosts.yml for hosts by name and address."""
    key = lab.ssh_dir / "id_ed25519"
    lines = [
        "# Written by tests/lab/lab; change nothing here, run `tests/lab/lab up` again.",
        "all:",
        "  vars:",
        "    ansible_user: ops",
        f"    ansible_ssh_private_key_file: {json.dumps(str(key))}",
        f"    ansible_ssh_common_args: {json.dumps(' '.join(ssh_options(lab)))}",
        f"    platform_registry: registry.{DOMAIN}:{REGISTRY_PORT}",
        "  hosts:",
    ]
    for name, address in addresses.items():
        lines += [f"    {name}:", f"      ansible_host: {address}", f"      platform_address: {address}"]
    lines.append("  children:")
    for group, members in groups(list(addresses)).items():
        lines += [f"    {group}:", "      hosts:", *(f"        {name}:" for name in members)]
    return "\n".join(lines) + "\n"


def _random(length: int = 40) -> str:
    """Random letters and digits: no character that a URI, a shell or a template would have to escape."""
    return "".join(secrets.choice(_ALPHANUMERIC) for _ in range(length))


def _canary(length: int = 40) -> str:
    """A password with everything that a URI, a shell, YAML, JSON or a template would have to escape, at places that differ.

    So each part of the platform is used with such passwords every day, and an escaped form that leaks is told from a raw one.
    """
    value = [*_random(length)]
    for hostile in _HOSTILE:
        value.insert(secrets.randbelow(len(value) - 12) + 8, hostile)  # begins with a word, which is looked for, too
    return "".join(value)


def _digits(length: int) -> str:
    return "".join(secrets.choice(string.digits) for _ in range(length))


def new_secrets() -> dict[str, str | dict[str, str]]:
    """Strong random values for every secret of the lab's platform, in the form that each service would give them."""
    return {
        "config_secrets": {
            "JWT_SECRET": _canary(64),
            "JWT_REFRESH_SECRET": _canary(64),
            "ADMIN_JWT_SECRET": _canary(64),
            "ENCRYPTION_KEY": secrets.token_hex(32),
            "AGORA_APP_ID": secrets.token_hex(16),
            "AGORA_APP_CERT": secrets.token_hex(16),
            "S3_ACCESS_KEY": _random(20).upper(),
            "S3_SECRET_KEY": _random(40),
            "STRIPE_SECRET_KEY": f"sk_live_{_random(48)}",
            "STRIPE_WEBHOOK_SECRET": f"whsec_{_random(32)}",
            "ESEWA_MERCHANT_ID": f"NP-ES-{_random(12).upper()}",
            "ESEWA_SECRET": _canary(),
            "KHALTI_PUBLIC_KEY": f"live_public_key_{secrets.token_hex(16)}",
            "KHALTI_SECRET_KEY": f"live_secret_key_{secrets.token_hex(16)}",
            "OPENAI_API_KEY": f"sk-{_random(48)}",
            "AI_ENGINE_SECRET": _canary(64),
            "SENDGRID_API_KEY": f"SG.{_random(22)}.{_random(43)}",
            "TWILIO_ACCOUNT_SID": f"AC{secrets.token_hex(16)}",
            "TWILIO_AUTH_TOKEN": secrets.token_hex(16),
            "TWILIO_PHONE_NUMBER": f"+614{_digits(8)}",
        },
        **{
            f"mongodb_{user}_password": _canary()
            for user in ("admin", "application", "backup", "restore", "monitoring")
        },
        "mongodb_keyfile": base64.b64encode(secrets.token_bytes(756)).decode(),
        **{f"redis_{user}_password": _canary() for user in ("application", "admin", "monitoring")},
        "config_backup_password": _canary(),
    }


def render_secrets(values: dict[str, str | dict[str, str]]) -> str:
    """Text of secrets.yml: every value as a double-quoted YAML string."""
    lines = ["---", "# Random values of this lab, made once by tests/lab/lab; worth nothing elsewhere."]
    for name, value in values.items():
        if isinstance(value, dict):
            lines += [f"{name}:", *(f"  {key}: {json.dumps(item)}" for key, item in value.items())]
        else:
            lines.append(f"{name}: {json.dumps(value)}")
    return "\n".join(lines) + "\n"


def ensure_secrets(lab: Lab) -> Path:
    """Make the lab's secrets once, and those that a newer version of the collection needs when it comes; return their file."""
    kept = lab.state_dir / "secrets.yml"
    if not kept.exists():
        kept.touch(mode=0o600)
        kept.write_text(render_secrets(new_secrets()))
    text = kept.read_text()
    missing = {name: value for name, value in new_secrets().items() if f"\n{name}:" not in text}
    if missing:
        kept.write_text(text + "".join(f"{name}: {json.dumps(value)}\n" for name, value in missing.items()))
    return kept


def kept_secrets(lab: Lab) -> dict[str, str]:
    """The kept secrets by name, those of `config_secrets` by their own name (the file has our own simple form)."""
    found = {}
    for line in ensure_secrets(lab).read_text().splitlines():
        if match := re.fullmatch(r'\s*(\w+): (".*")', line):
            found[match[1]] = json.loads(match[2])
    return found


def write_inventory(lab: Lab) -> None:
    """Write hosts.yml for the hosts that exist, and secrets.yml from the lab's kept secrets."""
    kept = ensure_secrets(lab)
    folder = lab.inventory_dir / "group_vars" / "all"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(kept, folder / "secrets.yml")
    addresses = {name: host["address"] for name, host in existing_hosts(lab).items()}
    (lab.inventory_dir / "hosts.yml").write_text(render_hosts(lab, addresses))


def remove_inventory(lab: Lab) -> None:
    """Remove the generated files; those in the repository stay."""
    (lab.inventory_dir / "hosts.yml").unlink(missing_ok=True)
    (lab.inventory_dir / "group_vars" / "all" / "secrets.yml").unlink(missing_ok=True)
