# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values come back from a file of variables as they went in; only those that look like a template are marked."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.halobuzz.platform.plugins.plugin_utils.variables_file import literal, load_yaml, yaml_text
from hypothesis import given, settings
from hypothesis import strategies as st


@settings(deadline=None)  # a busy machine is no wrong answer
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"])))
def test_any_text_comes_back(value: str) -> None:
    assert load_yaml(yaml_text({"NAME": literal(value)})) == {"NAME": value}


def test_only_what_looks_like_a_template_is_marked() -> None:
    text = yaml_text(
        {name: literal(name) for name in ("{{ x }}", "{% x %}", "{# x #}", "plain", "0123")} | {"n": literal(4)}
    )
    assert text.count("!unsafe") == 3
    assert yaml_text(load_yaml(text)) == text


def test_a_value_in_vault_form_is_refused_and_not_lost() -> None:
    with pytest.raises(yaml.YAMLError):
        load_yaml("NAME: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n")
