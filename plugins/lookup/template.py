# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stock template lookup without its copy of every variable."""

from __future__ import annotations

DOCUMENTATION = r"""
name: template
author: HaloBuzz platform team (@halobuzz)
short_description: Render a template file of a role
version_added: 0.1.0
description:
  - Same as P(ansible.builtin.template#lookup) for what this collection needs, but it reads the variables where they are.
    The stock lookup makes a deep copy of all of them for every call, about 70 ms; C(make bench NAME=deploy_noop) shows the sum.
  - A template cannot include another one; it calls this lookup for it.
  - The name says whose template it is, so a role's variables can be evaluated in another role too (role C(survey)).
options:
  _terms:
    description: Names of the files as C(role/file), looked for in the C(templates) folder of that role of this collection.
    type: list
    elements: str
    required: true
  template_vars:
    description: Further variables, for this call only.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show the wanted state of a role
  ansible.builtin.debug:
    msg: "{{ lookup('halobuzz.platform.template', 'docker/wanted.yml.j2') | from_yaml }}"
"""

RETURN = r"""
_raw:
  description: The rendered texts.
  type: list
  elements: str
"""

from collections import ChainMap
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible.template import trust_as_template

ROLES = Path(__file__).parents[2] / "roles"


class LookupModule(LookupBase):
    """Render the files that the terms name."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        """Return one text per term.

        :raises AnsibleLookupError: there is no such file.
        """
        variables = variables or {}
        self.set_options(var_options=variables, direct=kwargs)
        added = self.get_option("template_vars")
        templar = self._templar
        if added:
            templar = templar.copy_with_new_env(available_variables=ChainMap(dict(added), variables))
        texts = []
        for term in terms:
            role, _slash, name = term.partition("/")
            path = ROLES / role / "templates" / name
            if not path.is_file():
                raise AnsibleLookupError(f"there is no template {path}")
            source = trust_as_template(self._loader.get_text_file_contents(str(path)))
            texts.append(templar.template(source, escape_backslashes=False))
        return texts
