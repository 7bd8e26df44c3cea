#!/usr/bin/python
# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_files
short_description: Install a list of directories and files in one call
version_added: 0.1.0
description:
  - Takes the very lists that M(halobuzz.platform.drift) compares, so a role states its files once.
  - Where stock modules fall short. A loop of M(ansible.builtin.copy) costs one module run per file and prints secret contents
    in diff mode.
  - Each file is written beside its place, synced, checked by its own program and renamed, so a crash or a refused file leaves
    the old one.
author: HaloBuzz platform team (@halobuzz)
extends_documentation_fragment:
  - halobuzz.platform.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Contents given as O(files[].secret_content) are never shown.
options:
  directories:
    description: Directories, made before the files.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path.
        type: path
        required: true
      owner:
        description: User name or number.
        type: str
        default: root
      group:
        description: Group name or number.
        type: str
        default: root
      mode:
        description: Octal mode.
        type: str
        default: "0755"
  files:
    description: Files.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path.
        type: path
        required: true
      content:
        description: The whole content.
        type: str
      secret_content:
        description: The whole content where it is a secret. It is never logged or shown in a diff.
        type: str
      merge_json:
        description: Keys to set in the JSON file; other keys stay as they are.
        type: dict
      owner:
        description: User name or number.
        type: str
        default: root
      group:
        description: Group name or number.
        type: str
        default: root
      mode:
        description: Octal mode.
        type: str
        default: "0644"
      validate:
        description: Checker to run on the staged file, C(%s) stands for it; exit code 0 means good.
        type: list
        elements: str
      state:
        description: Whether the file is there.
        type: str
        choices: [present, absent]
        default: present
  check_only:
    description:
      - Install nothing. Let the checkers of all files look at what would be installed, and return what each of them says.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Install the configuration
  halobuzz.platform.host_files:
    directories:
      - path: /etc/halobuzz
        mode: "0750"
    files:
      - path: /etc/docker/daemon.json
        merge_json:
          log-driver: local
        validate: [dockerd, --validate, --config-file, "%s"]

- name: Only ask whether the rules are right
  halobuzz.platform.host_files:
    check_only: true
    files:
      - path: /etc/halobuzz/firewall/ruleset.nft
        content: "{{ ruleset }}"
        validate: [nft, -c, -f, "%s"]
"""

RETURN = r"""
paths:
  description: Paths that were changed, or would be in check mode.
  returned: success
  type: list
  elements: str
tried:
  description: Files that have a checker.
  returned: with O(check_only)
  type: list
  elements: str
refused:
  description: Files that their checker did not pass.
  returned: with O(check_only)
  type: list
  elements: dict
  contains:
    path:
      description: The file.
      type: str
    state:
      description: V(failed), or V(not_checked) where the checker could not run.
      type: str
    reason:
      description: The checker's last lines.
      type: str
error_code:
  description: A documented code where the task failed.
  returned: failure
  type: str
  sample: E_FILE_INVALID
"""

import errno
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ErrorCode, failure
from ansible_collections.halobuzz.platform.plugins.module_utils._files import (
    CheckerMissing,
    FileRefused,
    ensure_directory,
    ensure_file,
    try_file,
)

ATTRIBUTES = {
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "root"},
}


def _refused(files: list[dict[str, Any]]) -> list[dict[str, str]]:
    found = []
    for entry in files:
        try:
            try_file(entry)
        except FileRefused as refused:
            state = "not_checked" if isinstance(refused, CheckerMissing) else "failed"
            found.append({"path": entry["path"], "state": state, "reason": refused.reason})
    return found


def main() -> None:
    """Make the directories, then the files; stop at the first that is refused."""
    module = AnsibleModule(
        argument_spec={
            "directories": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "path": {"type": "path", "required": True},
                    "mode": {"type": "str", "default": "0755"},
                    **ATTRIBUTES,
                },
            },
            "check_only": {"type": "bool", "default": False},
            "files": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "path": {"type": "path", "required": True},
                    "content": {"type": "str"},
                    "secret_content": {"type": "str", "no_log": True},
                    "merge_json": {"type": "dict"},
                    "mode": {"type": "str", "default": "0644"},
                    "validate": {"type": "list", "elements": "str"},
                    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
                    **ATTRIBUTES,
                },
            },
        },
        supports_check_mode=True,
    )
    if module.params["check_only"]:
        files = [entry for entry in module.params["files"] if entry["validate"]]
        module.exit_json(changed=False, tried=[entry["path"] for entry in files], refused=_refused(files))
    paths: list[str] = []
    diffs: list[dict[str, str]] = []
    try:
        for entry in module.params["directories"]:
            if ensure_directory(entry, module.check_mode):
                paths.append(entry["path"])
        for entry in module.params["files"]:
            changed = ensure_file(entry, module.check_mode)
            if changed:
                paths.append(entry["path"])
                diffs.append(
                    {
                        "before_header": entry["path"],
                        "after_header": entry["path"],
                        "before": changed["before"],
                        "after": changed["after"],
                    }
                )
    except FileRefused as refused:
        failed = failure(ErrorCode.E_FILE_INVALID, str(refused))
        module.fail_json(paths=paths, **{key: value for key, value in failed.items() if key != "failed"})
    except OSError as error:
        code = ErrorCode.E_NO_SPACE if error.errno in (errno.ENOSPC, errno.EDQUOT) else ErrorCode.E_FILE_INVALID
        failed = failure(code, f"{error.filename or 'a file'}: {error.strerror}")
        module.fail_json(paths=paths, **{key: value for key, value in failed.items() if key != "failed"})
    module.exit_json(changed=bool(paths), paths=paths, diff=diffs)


if __name__ == "__main__":
    main()
