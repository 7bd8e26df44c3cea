"""The ledger of releases: chain, what serves, what a rollback goes to, what stays."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.halobuzz.platform.plugins.module_utils import _ledger


def ledger(*steps: tuple[Any, ...]) -> str:
    """Write a ledger from ``(result,)`` for a deploy, ``(result, of)`` for a rollback; the numbers count from 1.

    ``(result, number, same)`` is a deploy of what release ``same`` was, ``(…, "settings")`` in its settings alone.
    """
    text = ""
    content: dict[int, tuple[str, str]] = {}
    for number, (result, *of) in enumerate(steps, start=1):
        content[number] = (f"stack-{number}", f"settings-{number}")
        if of[1:]:
            same = content[of[1]]
            content[number] = (content[number][0], same[1]) if of[2:] else same
        started = {
            "release": number,
            "event": "started",
            "of": of[0] if of else number,
            "kind": "rollback" if of and of[0] != number else "deploy",
            "at": f"2026-11-24T10:{number:02}:00Z",
            "version": f"git-{number}",
            "by": "ops@controller",
            "reason": "",
            "schema_contract": result == "contract",
            "stack_sha256": content[number][0],
            "edge_sha256": "edge",
            "objects": [content[number][1]],
        }
        text = _ledger.added(text, started)
        if result != "started":
            event = "active" if result == "contract" else result
            text = _ledger.added(text, {"release": number, "event": event, "at": f"2026-11-24T11:{number:02}:00Z"})
    return text


def events(*steps: tuple[Any, ...]) -> list[_ledger.Event]:
    return _ledger.parse(ledger(*steps))[0]


def target(*steps: tuple[Any, ...], wanted: str = "", only: str = "") -> int | str:
    """Number that a rollback goes to, or the message of its refusal."""
    plan = _ledger.rollback_plan(events(*steps), wanted, only, list(range(1, 20)))
    return str(plan["message"]) if plan["code"] else int(plan["target"])


GOOD = ("active",)


def test_every_line_holds_the_hash_of_the_one_before() -> None:
    text = ledger(GOOD, GOOD)
    assert _ledger.parse(text)[1] == ""
    lines = text.splitlines()
    changed = "\n".join([lines[0], lines[1].replace("active", "failed"), *lines[2:]])
    assert _ledger.parse(changed) == (
        _ledger.parse(text)[0][:1] + [_ledger.parse(changed)[0][1]],
        "line 3 was changed, or one before it is missing",
    )
    assert _ledger.parse("\n".join(lines[1:]))[1].startswith("line 1 ")


def test_the_most_complete_copy_wins() -> None:
    short, long = ledger(GOOD), ledger(GOOD, GOOD)
    assert _ledger.newest([short, long, ""]) == long
    assert _ledger.newest([]) == ""
    torn = long[:-30]
    assert _ledger.parse(_ledger.newest([torn]))[1] == ""


@pytest.mark.parametrize(
    ("steps", "serving"),
    [([], 0), ([GOOD], 1), ([GOOD, ("failed",)], 1), ([GOOD, GOOD, ("active", 1)], 1), ([GOOD, ("started",)], 1)],
)
def test_what_runs_is_the_last_good_one(steps: list[tuple[Any, ...]], serving: int) -> None:
    assert _ledger.serving(events(*steps)) == serving


def test_a_release_of_the_same_again_is_passed_over() -> None:
    assert target(GOOD, GOOD, ("active", 3, 2)) == 1
    assert target(GOOD, GOOD, GOOD, ("active", 4, 3), ("active", 5, 3)) == 2
    assert "no other release served before release 2" in str(target(GOOD, ("active", 2, 1)))
    # back from 4 to 2, which the same again (3) came after
    assert target(GOOD, GOOD, ("active", 3, 2), GOOD, ("active", 3)) == 1
    # only=config passes over releases whose settings are the present ones
    new_version = ("active", 3, 2, "settings")
    assert target(GOOD, GOOD, new_version) == 2
    assert target(GOOD, GOOD, new_version, only="config") == 1
    assert "with other settings" in str(target(GOOD, ("active", 2, 1, "settings"), only="config"))


def test_rolling_back_twice_goes_two_back_and_not_to_and_fro() -> None:
    assert target(GOOD, GOOD, GOOD) == 2
    assert target(GOOD, GOOD, GOOD, ("active", 2)) == 1
    assert target(GOOD, GOOD, GOOD, ("active", 2), ("active", 1)) == "no other release served before release 1"


def test_after_a_rollback_a_new_release_goes_back_to_what_it_replaced() -> None:
    assert target(GOOD, GOOD, ("active", 1), GOOD) == 1


def test_failed_and_killed_releases_are_never_gone_back_to() -> None:
    assert target(GOOD, ("failed",), GOOD) == 1
    assert target(GOOD, ("started",), GOOD) == 1
    assert target(GOOD, ("failed",), GOOD, wanted="2") == "release 2 was never good: failed"


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("9", "there is no release 9"),
        ("2", "release 2 is what runs"),
        ("last", "release='last' is no number of a release"),
        ("-1", "release='-1' is no number of a release"),
    ],
)
def test_what_is_asked_for_must_exist(wanted: str, message: str) -> None:
    assert target(GOOD, GOOD, wanted=wanted) == message


def test_a_rollback_may_name_the_run_that_rolled_back() -> None:
    assert target(GOOD, GOOD, ("active", 1), GOOD, wanted="3") == 1


def test_a_schema_contract_stops_images_but_not_settings() -> None:
    assert target(GOOD, ("contract",)) == "release 2 took out of the database what release 1 needs"
    assert target(GOOD, ("contract",), only="config") == 1
    assert target(GOOD, ("contract",), GOOD) == 2


def test_pruned_files_cannot_come_back() -> None:
    plan = _ledger.rollback_plan(events(GOOD, GOOD), "1", "", [2])
    assert plan["message"] == "the files of release 1 were pruned"


def test_the_last_good_ones_stay_and_what_runs() -> None:
    steps = [GOOD, GOOD, ("failed",), GOOD, GOOD]
    assert _ledger.kept_releases(events(*steps), 2) == [4, 5]
    assert _ledger.kept_releases(events(*steps, ("active", 1)), 2) == [1, 5]
    assert _ledger.kept_releases(events(*steps, ("started",)), 2) == [4, 5, 6]


def stack(image: str, replicas: int, scaled: str = "") -> dict[str, Any]:
    labels = {"halobuzz.spec": f"spec of {image}"} | ({"halobuzz.scaled": scaled} if scaled else {})
    return {
        "services": {"backend": {"image": image, "deploy": {"replicas": replicas, "labels": labels}}},
        "secrets": {"backend-environment": {"name": f"settings of {image}"}},
        "configs": {"entrypoint": {"name": "entrypoint"}},
    }


def test_going_back_keeps_the_number_of_replicas() -> None:
    back = _ledger.back_to(stack("b@1", 2), stack("b@2", 5, scaled="5"), "")
    assert back == stack("b@1", 5, scaled="5")
    assert _ledger.back_to(stack("b@1", 7, scaled="7"), stack("b@2", 3), "") == stack("b@1", 3)


def test_settings_of_the_target_under_the_images_that_run() -> None:
    back = _ledger.back_to(stack("b@1", 2), stack("b@2", 2), "config")
    assert back["services"]["backend"]["image"] == "b@2"
    assert back["secrets"] == stack("b@1", 2)["secrets"]
    labels = {
        one["services"]["backend"]["deploy"]["labels"]["halobuzz.spec"]
        for one in (back, stack("b@1", 2), stack("b@2", 2))
    }
    assert len(labels) == 3


def test_what_a_stack_needs_in_the_swarm() -> None:
    assert _ledger.stack_objects(stack("b@1", 1)) == ["entrypoint", "settings of b@1"]


def test_the_list_is_for_people() -> None:
    lines = _ledger.table_lines(events(GOOD, ("failed",), GOOD, ("active", 1)), [1, 3], ["node2: damaged"])
    assert "running" in lines[4]
    assert "back to 1: git-4" in lines[4]
    assert lines[-1] == "⚠️  node2: damaged"
    assert _ledger.table_lines([], []) == ["no release yet"]
