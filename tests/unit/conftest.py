"""Makes `ansible_collections.halobuzz.platform` importable from the checkout, the way Ansible itself does it."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.plugins.loader import init_plugin_loader

CHECKOUT = Path(__file__).resolve().parents[2]
init_plugin_loader([str(CHECKOUT / ".tools" / "collections")])


@pytest.fixture
def checkout() -> Path:
    """Return the root of the checkout."""
    return CHECKOUT
