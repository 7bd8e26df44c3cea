# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.halobuzz.platform.plugins.module_utils import _survey

FILE = {"path": "/etc/a", "content": "a", "mode": "0644"}


def test_wishes_of_several_roles_become_one() -> None:
    host = {"packages": [{"name": "a"}], "files": [FILE], "sysctls": {"vm.swappiness": 1}, "units": None}
    docker = {"packages": [{"name": "b", "held": True}], "files": [{"path": "/etc/b"}], "swarm": {"manager": False}}
    assert _survey.one_wish([host, docker]) == {
        "packages": [{"name": "a"}, {"name": "b", "held": True}],
        "files": [FILE, {"path": "/etc/b"}],
        "sysctls": {"vm.swappiness": 1},
        "swarm": {"manager": False},
    }
    assert host["packages"] == [{"name": "a"}]


def test_two_roles_may_want_the_same_but_not_each_in_its_own_way() -> None:
    assert len(_survey.one_wish([{"files": [FILE]}, {"files": [FILE]}])["files"]) == 2
    with pytest.raises(ValueError, match="two roles want /etc/a"):
        _survey.one_wish([{"files": [FILE]}, {"files": [{**FILE, "mode": "0600"}]}])


def test_a_host_without_an_answer_is_not_as_wanted() -> None:
    assert _survey.as_wanted({"node1": {"found": []}, "node2": {"found": []}})
    assert not _survey.as_wanted({"node1": {"found": []}, "node2": {"found": [{"what": "package"}]}})
    assert not _survey.as_wanted({"node1": {"found": []}, "node2": {}})
    assert not _survey.as_wanted({"node1": {"found": []}, "node2": {"failed": True, "msg": "unreachable"}})


def test_labels_are_compared_with_what_a_manager_has_seen() -> None:
    swarm = {"state": "active", "manager": True, "nodes": {"id1": {"labels": {"halobuzz.app": "true"}}}}
    assert _survey.label_drift(swarm, {"id1": {"halobuzz.app": "true"}}) == []
    assert [item["name"] for item in _survey.label_drift(swarm, {"id1": {}, "id2": {}})] == ["id1", "id2"]
    assert _survey.label_drift({**swarm, "state": "inactive"}, {"id1": {"halobuzz.app": "true"}})


def test_every_difference_is_a_line_with_its_place() -> None:
    item = {"what": "file", "name": "/etc/a", "now": "absent", "then": "present"}
    lines = _survey.survey_lines({"node1": {"found": [item]}, "node2": {}}, {"Swarm": [item]})
    assert lines == ["❌ node1: file /etc/a: absent, wanted: present", "❌ Swarm: file /etc/a: absent, wanted: present"]
    assert _survey.survey_lines({"node1": {"found": []}}, {}) == []


def test_a_manager_is_asked_whose_swarm_answers() -> None:
    def manager(**swarm: object) -> dict[str, object]:
        return {"found": [], "seen": {"swarm": {"manager": True, **swarm}}}

    dead, alone, works = manager(state="no engine"), manager(state="active"), manager(state="active", nodes={})
    assert _survey.answering_manager({"node1": dead, "node2": alone, "node3": works}) == "node3"
    assert _survey.answering_manager({"node1": dead, "node2": alone, "node4": {}}) == ""
    assert _survey.answering_manager({}) == ""
