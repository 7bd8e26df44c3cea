# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files are replaced whole or not at all, and secrets are not shown."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.halobuzz.platform.plugins.module_utils import _files


def entry(path: Path, **keys: Any) -> dict[str, Any]:
    return {
        "path": str(path),
        "owner": str(os.getuid()),
        "group": str(os.getgid()),
        "mode": "0640",
        "content": "new\n",
        **keys,
    }


def test_file_is_written_once(tmp_path: Path) -> None:
    wanted = entry(tmp_path / "a")
    assert _files.ensure_file(wanted, dry_run=False) is not None
    assert _files.ensure_file(wanted, dry_run=False) is None
    assert (tmp_path / "a").read_text() == "new\n"
    assert (tmp_path / "a").stat().st_mode & 0o7777 == 0o640


def test_dry_run_says_what_would_change_and_writes_nothing(tmp_path: Path) -> None:
    assert _files.ensure_file(entry(tmp_path / "a"), dry_run=True) is not None
    assert list(tmp_path.iterdir()) == []


def test_refused_file_leaves_the_old_one_and_no_leftover(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old\n")
    with pytest.raises(_files.FileRefused, match="line 3 is bad"):
        _files.ensure_file(
            entry(tmp_path / "a", validate=["sh", "-c", "echo line 3 is bad; exit 1", "%s"]), dry_run=False
        )
    assert (tmp_path / "a").read_text() == "old\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_file_is_tried_without_being_installed(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old\n")
    _files.try_file(entry(tmp_path / "a", validate=["grep", "-q", "new", "%s"]))
    with pytest.raises(_files.FileRefused, match="line 3 is bad") as refused:
        _files.try_file(entry(tmp_path / "a", validate=["sh", "-c", "echo line 3 is bad; exit 1", "%s"]))
    assert not isinstance(refused.value, _files.CheckerMissing)
    for path, checker in ((tmp_path / "a", "no-such-checker"), (tmp_path / "absent" / "a", "true")):
        with pytest.raises(_files.CheckerMissing):
            _files.try_file(entry(path, validate=[checker, "%s"]))
    with pytest.raises(_files.CheckerMissing, match="cannot check"):
        _files.try_file(entry(tmp_path / "a", validate=["/bin/sh", "-c", "echo cannot check; exit 127", "%s"]))
    assert (tmp_path / "a").read_text() == "old\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_missing_checker_is_a_refusal(tmp_path: Path) -> None:
    with pytest.raises(_files.FileRefused, match="not installed"):
        _files.ensure_file(entry(tmp_path / "a", validate=["no-such-checker", "%s"]), dry_run=False)


def test_secret_content_is_not_in_the_diff(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old-canary")
    wanted = {key: value for key, value in entry(tmp_path / "a").items() if key != "content"}
    changed = _files.ensure_file({**wanted, "secret_content": "new-canary"}, dry_run=False)
    assert (tmp_path / "a").read_text() == "new-canary"
    assert "canary" not in str({key: value for key, value in (changed or {}).items() if key != "path"})


def test_json_is_merged_and_foreign_keys_stay(tmp_path: Path) -> None:
    (tmp_path / "a").write_text('{"mine": 1, "log-opts": {"max-size": "1m", "tag": "x"}}')
    wanted = entry(tmp_path / "a", merge_json={"log-opts": {"max-size": "50m"}})
    assert _files.ensure_file(wanted, dry_run=False) is not None
    assert _files.ensure_file(wanted, dry_run=False) is None
    assert (
        tmp_path / "a"
    ).read_text().split() == '{ "log-opts": { "max-size": "50m", "tag": "x" }, "mine": 1 }'.split()


def test_absent_file_is_removed_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    assert _files.ensure_file(entry(tmp_path / "a", state="absent"), dry_run=False)
    assert _files.ensure_file(entry(tmp_path / "a", state="absent"), dry_run=False) is None


def test_directory_is_made_once(tmp_path: Path) -> None:
    wanted = entry(tmp_path / "x" / "y", mode="0750")
    assert _files.ensure_directory(wanted, dry_run=False)
    assert not _files.ensure_directory(wanted, dry_run=False)
