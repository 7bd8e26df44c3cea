"""Action `health_report`: what a host's registered result means, and the files it writes."""

from __future__ import annotations

import json
from pathlib import Path

from ansible_collections.halobuzz.platform.plugins.action.health_report import answer_of, write_report
from ansible_collections.halobuzz.platform.plugins.module_utils import _health

GONE = {"problem": {"reason": "unreachable", "error": "No route to host", "next_command": "ssh ops@10.99.0.13 true"}}


def test_a_hosts_report_and_its_problem_are_told_apart() -> None:
    report = _health.summarise([], 0.1)
    assert answer_of("node1", {"health": report}) == {"host": "node1", "health": report, "problem": None}
    assert answer_of("node3", GONE)["problem"] == GONE["problem"]


def test_host_that_never_came_to_the_task_is_a_problem_too() -> None:
    assert answer_of("node1", None)["problem"]["error"] == "it was not asked"  # type: ignore[index]
    timed_out = {"failed": True, "msg": "Task failed: Timed out after 60 second(s)."}
    late = answer_of("node1", timed_out)["problem"]
    assert late is not None
    assert late["error"] == "no report in 60 s: the host hangs or is overloaded"


def test_report_files_are_written_whole(tmp_path: Path) -> None:
    report = _health.combine([answer_of("node3", GONE)], [])
    write_report(str(tmp_path / "new"), report, 1.0)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["health.json", "health.prom"]
    assert json.loads((tmp_path / "new" / "health.json").read_text(encoding="utf-8")) == report
