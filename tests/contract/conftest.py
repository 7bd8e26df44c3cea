"""The stores of secrets against the servers that they are made for; the collection is imported as Ansible does it."""

from __future__ import annotations

from pathlib import Path

from ansible.plugins.loader import init_plugin_loader

CHECKOUT = Path(__file__).resolve().parents[2]
init_plugin_loader([str(CHECKOUT / ".tools" / "collections")])
