# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Install a list of files and directories: checked by their own program first, replaced atomically, synced to disk."""

from __future__ import annotations

import copy
import grp
import json
import os
import pwd
import subprocess
import tempfile
from typing import Any


class FileRefused(Exception):
    """A rendered file was refused by its own checker. ``path`` and ``reason`` are safe to print."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path, self.reason = path, reason


class CheckerMissing(FileRefused):
    """Nothing was learned of the file: its checker, or what it needs, is not there."""


def merge_json(have: Any, want: Any) -> Any:
    """Return ``have`` with every key of the mapping ``want`` set (recursively); lists and scalars are replaced."""
    if not (isinstance(have, dict) and isinstance(want, dict)):
        return copy.deepcopy(want)
    merged = dict(have)
    for key, value in want.items():
        merged[key] = merge_json(have.get(key), value)
    return merged


def user_id(name: str) -> int:
    """Resolve a user name or a number (containers' users exist only inside their images) to a uid."""
    return int(name) if name.isdigit() else pwd.getpwnam(name).pw_uid


def group_id(name: str) -> int:
    """Resolve a group name or a number to a gid."""
    return int(name) if name.isdigit() else grp.getgrnam(name).gr_gid


def set_attributes(path: str, entry: dict[str, Any]) -> bool:
    """Set owner, group and mode where they differ; return whether anything was changed."""
    status = os.stat(path)
    owner = user_id(str(entry.get("owner") or "root"))
    group = group_id(str(entry.get("group") or "root"))
    mode = int(str(entry["mode"]), 8)
    changed = False
    if (status.st_uid, status.st_gid) != (owner, group):
        os.chown(path, owner, group)
        changed = True
    if status.st_mode & 0o7777 != mode:
        os.chmod(path, mode)
        changed = True
    return changed


def wanted_content(entry: dict[str, Any], present: bytes | None) -> bytes:
    """Return the bytes that the file should hold, merging JSON into what is there where asked."""
    if entry.get("merge_json") is None:
        secret = entry.get("secret_content")
        return str(entry["content"] if secret is None else secret).encode()
    have = json.loads(present or b"{}")
    return (json.dumps(merge_json(have, entry["merge_json"]), indent=2, sort_keys=True) + "\n").encode()


def check_content(path: str, staged: str, command: list[str]) -> None:
    """Run the file's own checker on the staged copy (``%s`` in ``command``).

    :raises FileRefused: with the checker's last lines; CheckerMissing where it could not run.
    """
    try:
        # Runs without an AnsibleModule, so there is no run_command.
        done = subprocess.run(  # pylint: disable=ansible-bad-function
            [part.replace("%s", staged) for part in command], capture_output=True, check=False, text=True, timeout=60
        )
    except FileNotFoundError:
        raise CheckerMissing(path, f"its checker {command[0]} is not installed") from None
    if done.returncode != 0:
        said = (done.stdout + done.stderr).replace(staged, path).strip().splitlines()
        # `docker run`'s own trouble (no engine, no image), or a shell's that does not find the checker.
        if (command[0], done.returncode) in (("docker", 125), ("/bin/sh", 127)):
            raise CheckerMissing(path, "\n".join(said[-2:]))
        raise FileRefused(path, "\n".join(said[-12:]) or f"checker exit code {done.returncode}")


def try_file(entry: dict[str, Any]) -> None:
    """Let the file's checker look at the wanted content beside the file, which stays as it is.

    :raises FileRefused: as :func:`check_content` does; CheckerMissing, too, where the folder is not there yet.
    """
    path = entry["path"]
    try:
        handle, staged = tempfile.mkstemp(prefix=".halobuzz-", dir=os.path.dirname(path))
    except FileNotFoundError:
        raise CheckerMissing(path, "its folder is not there yet: nothing was deployed to this host") from None
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(wanted_content(entry, read_file(path)))
        set_attributes(staged, entry)
        check_content(path, staged, entry["validate"])
    finally:
        os.unlink(staged)


def replace_file(path: str, content: bytes, entry: dict[str, Any]) -> None:
    """Write beside the file, sync, check, rename over it, sync the folder: a crash leaves the old or the new one whole."""
    folder = os.path.dirname(path)
    handle, staged = tempfile.mkstemp(prefix=".halobuzz-", dir=folder)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        set_attributes(staged, entry)
        if entry.get("validate"):
            check_content(path, staged, entry["validate"])
        os.rename(staged, path)
    except BaseException:
        if os.path.exists(staged):
            os.unlink(staged)
        raise
    folder_handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(folder_handle)
    finally:
        os.close(folder_handle)


def read_file(path: str) -> bytes | None:
    """Return a file's bytes, or None where there is none."""
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        return None


def ensure_directory(entry: dict[str, Any], dry_run: bool) -> bool:
    """Make a directory (parents with 0755) and set its attributes; return whether that changed anything."""
    path = entry["path"]
    if not os.path.isdir(path):
        if not dry_run:
            os.makedirs(path)
            set_attributes(path, entry)
        return True
    return False if dry_run else set_attributes(path, entry)


def ensure_file(entry: dict[str, Any], dry_run: bool) -> dict[str, str] | None:
    """Bring one file into its wanted state.

    :param entry: ``{path, content | secret_content | merge_json, owner, group, mode, validate, state}``.
    :returns: a diff record ``{path, before, after}`` where something changed (contents are withheld for secrets), else None.
    :raises FileRefused: when the checker refuses the new content; the old file is untouched.
    """
    path = entry["path"]
    present = read_file(path)
    if entry.get("state") == "absent":
        if present is None:
            return None
        if not dry_run:
            os.unlink(path)
        return {"path": path, "before": "present", "after": "absent"}
    content = wanted_content(entry, present)
    if content != present:
        if not dry_run:
            replace_file(path, content, entry)
        if entry.get("secret_content") is not None:
            return {"path": path, "before": "secret, not shown\n", "after": "secret, not shown, differs\n"}
        return {
            "path": path,
            "before": (present or b"").decode(errors="replace"),
            "after": content.decode(errors="replace"),
        }
    if not dry_run and set_attributes(path, entry):
        return {"path": path, "before": "attributes", "after": "attributes set"}
    return None
