"""The pure parts of the lab's tool: what it reads from the machine, plans and writes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "lab"))

from halobuzz_lab import hosts, images, inventory, machine, settings
from halobuzz_lab.shell import LabError, Task, run_tasks

LAB = settings.Lab("halobuzz-lab", "halobuzz-lab", Path("/checkout/.lab"), Path("/checkout/inventories/lab"), 99)


def test_apt_sources_are_read_in_one_line_form() -> None:
    text = "# deb http://commented/ trixie main\ndeb [signed-by=/k.gpg] http://mirror/debian/ trixie main contrib # x\n"
    assert machine.parse_apt_sources(text, deb822=False) == [
        machine.AptSource("http://mirror/debian", ("trixie",), ("main", "contrib"))
    ]


def test_apt_sources_are_read_in_deb822_form() -> None:
    text = """\
Types: deb
# a comment inside a stanza
URIs: http://mirror/debian
Suites: bookworm bookworm-updates
Components: main
 contrib

Types: deb-src
URIs: http://sources/debian
Suites: bookworm
Components: main

Enabled: no
Types: deb
URIs: http://switched-off/debian
Suites: bookworm
Components: main
"""
    assert machine.parse_apt_sources(text, deb822=True) == [
        machine.AptSource("http://mirror/debian", ("bookworm", "bookworm-updates"), ("main", "contrib"))
    ]


def test_hosts_take_security_and_updates_only_where_the_machine_has_them() -> None:
    plain = machine.Machine("http://m/debian", None, False, (), (), None, ())
    full = machine.Machine("http://m/debian", "http://m/security", True, (), (), None, ())
    assert plain.apt_lines("trixie") == ["deb http://m/debian trixie main"]
    assert full.apt_lines("bookworm")[1:] == [
        "deb http://m/debian bookworm-updates main",
        "deb http://m/security bookworm-security main",
    ]


@pytest.mark.parametrize(
    ("text", "count", "expected"),
    [("13", 3, ["13", "13", "13"]), ("13,13,12", 3, ["13", "13", "12"]), ("13,12", 4, ["13", "12", "12", "12"])],
)
def test_debian_versions_are_given_for_all_or_per_host(text: str, count: int, expected: list[str]) -> None:
    assert hosts.debian_versions(text, count) == expected


@pytest.mark.parametrize(("text", "named"), [("11", "13, 12"), ("", "13, 12"), ("13,13", "names 2 hosts")])
def test_debian_versions_are_refused_with_the_reason(text: str, named: str) -> None:
    with pytest.raises(LabError, match=named):
        hosts.debian_versions(text, 1)


@pytest.mark.parametrize(("count", "quorum"), [(1, 1), (2, 1), (3, 3), (5, 3)])
def test_data_and_managers_take_an_odd_number_of_hosts(count: int, quorum: int) -> None:
    names = [f"node{number}" for number in range(1, count + 1)]
    found = inventory.groups(names)
    assert len(found["mongodb"]) == len(found["swarm_managers"]) == quorum
    assert found["redis"] == found["build"] == ["node1"]
    assert found["edge"] == found["app"] == names


def test_inventory_is_valid_yaml_with_every_group() -> None:
    data = yaml.safe_load(inventory.render_hosts(LAB, {"node1": "10.99.0.11", "node2": "10.99.0.12"}))
    assert data["all"]["hosts"]["node2"] == {"ansible_host": "10.99.0.12", "platform_address": "10.99.0.12"}
    assert data["all"]["vars"]["ansible_ssh_private_key_file"] == "/checkout/.lab/ssh/id_ed25519"
    assert list(data["all"]["children"]["edge"]["hosts"]) == ["node1", "node2"]


def test_secrets_are_strong_and_read_back_as_written(tmp_path: Path) -> None:
    lab = settings.Lab("x", "halobuzz-x", tmp_path, tmp_path, 70)
    values = inventory.new_secrets()
    (tmp_path / "secrets.yml").write_text(inventory.render_secrets(values))
    loaded = yaml.safe_load((tmp_path / "secrets.yml").read_text())
    assert loaded == values
    assert inventory.kept_secrets(lab)["S3_SECRET_KEY"] == loaded["config_secrets"]["S3_SECRET_KEY"]
    assert 6 <= len(loaded["mongodb_keyfile"]) <= 1024
    assert all(len(value) >= 10 for value in inventory.kept_secrets(lab).values())


def test_two_labs_have_networks_of_their_own() -> None:
    fixed = {*settings.network_candidates("halobuzz-lab"), *settings.network_candidates("scratch")}
    other = settings.network_candidates("mine")
    assert LAB.subnet == "10.99.0.0/24"
    assert fixed == {98, 99}
    assert len(other) == len(set(other)) == 34
    assert fixed.isdisjoint(other)


def test_folder_hash_sees_content_names_and_the_executable_bit(tmp_path: Path) -> None:
    (tmp_path / "start").write_text("one")
    first = images.hash_folder(tmp_path)
    (tmp_path / "start").chmod(0o755)
    second = images.hash_folder(tmp_path)
    (tmp_path / "start").write_text("two")
    assert len({first, second, images.hash_folder(tmp_path)}) == 3


def test_tasks_run_after_what_they_need() -> None:
    order: list[str] = []

    def task(name: str, *needs: str) -> Task:
        return Task(name, lambda: order.append(name), needs)

    run_tasks([task("push", "build", "registry"), task("registry"), task("build")])
    assert order[-1] == "push"
    assert sorted(order) == ["build", "push", "registry"]


def test_nothing_starts_after_a_failed_task_and_its_text_is_kept() -> None:
    started: list[str] = []

    def fail() -> str:
        raise LabError("the mirror does not answer")

    with pytest.raises(LabError, match=r"image: the mirror does not answer"):
        run_tasks([Task("image", fail), Task("push", lambda: started.append("push"), ("image",))], workers=1)
    assert started == []


def test_every_production_image_has_a_recipe() -> None:
    assert set(images.PRODUCTION_NAMES) <= set(images.recipes())


def test_every_production_image_is_pushed_once() -> None:
    pushed = [name for names in images.PUSHED_TOGETHER for name in names]
    assert sorted(pushed) == sorted(images.PRODUCTION_NAMES)
