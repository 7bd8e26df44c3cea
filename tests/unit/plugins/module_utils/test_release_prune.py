"""What no kept release needs. Images as recorded from Docker 26.1."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.halobuzz.platform.plugins.module_utils import _release_prune

REPOSITORY = "registry.halobuzz.lab:5000/halobuzz/backend"
NEW, OLD = (f"{REPOSITORY}@sha256:{letter * 64}" for letter in "ab")
IMAGES = [
    {"RepoDigests": [NEW], "RepoTags": [f"{REPOSITORY}:git-2"]},
    {"RepoDigests": [OLD], "RepoTags": [f"{REPOSITORY}:git-1"]},
    {"RepoDigests": ["registry.halobuzz.lab:5000/mongo@sha256:c"], "RepoTags": None},
    {"RepoDigests": None, "RepoTags": ["<none>:<none>"]},
]


def test_only_images_of_the_platform_go() -> None:
    assert _release_prune.old_images(IMAGES, [REPOSITORY], [NEW]) == [f"{REPOSITORY}:git-1", OLD]
    assert _release_prune.old_images(IMAGES, [], []) == []


def test_only_versioned_objects_of_the_stack_go() -> None:
    names = [
        "halobuzz_backend-environment_0123456789ab",  # pragma: allowlist secret
        "halobuzz_entrypoint_ba9876543210",  # pragma: allowlist secret
        "halobuzz_own",
        "other_x_0123456789ab",
    ]
    objects = [{"ID": str(number), "Spec": {"Name": name}} for number, name in enumerate(names)]
    assert _release_prune.old_objects(objects, "halobuzz", names[1:2]) == [("0", names[0])]


def test_folders_go_by_number_and_others_stay(tmp_path: Path) -> None:
    for name in ("2", "10", "notes"):
        (tmp_path / name).mkdir()
    parameters = {"releases": {"directory": str(tmp_path), "keep": [10]}, "images": None, "objects": None}
    assert _release_prune.prune(parameters, check_mode=True) == ["release 2"]
    assert (tmp_path / "2").is_dir()
    assert _release_prune.prune(parameters, check_mode=False) == ["release 2"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["10", "notes"]
