"""Arguments of `health_info`: which of them hold passwords."""

from __future__ import annotations

from ansible_collections.halobuzz.platform.plugins.module_utils._health_arguments import argument_spec, passwords


def test_passwords_inside_uris_are_found_as_written_and_as_meant() -> None:
    checks = [
        {"uri": "mongodb://user:p%40ss@h1,h2/db"},  # pragma: allowlist secret
        {"uri": ""},
        {"uri": "redis://h1:6379"},
    ]
    assert passwords({"checks": checks}) == {"p%40ss", "p@ss"}


def test_what_holds_a_password_is_marked() -> None:
    options = argument_spec()["checks"]["options"]
    assert {name for name, option in options.items() if option.get("no_log")} == {"password", "uri"}  # type: ignore[attr-defined]
