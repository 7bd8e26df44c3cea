# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove what no kept release needs: their files, the images on a host, secrets and configs of the Swarm.

What to remove is pure; removing asks the engine, which refuses what is in use, and that is as good as kept.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ansible_collections.halobuzz.platform.plugins.module_utils._docker_engine import docker

_DELETE_SECONDS = 60


def _listed(path: str) -> list[dict[str, Any]]:
    """Return a list of the engine's API; an empty one where it gives none."""
    status, body = docker(path)
    return (json.loads(body) or []) if status == 200 else []


def _delete(path: str) -> int:
    return docker(path, "DELETE", _DELETE_SECONDS)[0]


def old_releases(names: list[str], keep: list[int]) -> list[str]:
    """Return the release folders (named by number) that are not kept."""
    return sorted((name for name in names if name.isdecimal() and int(name) not in keep), key=int)


def _repository(reference: str) -> str:
    return re.sub(r"(@sha256:[0-9a-f]+|:[^:/]+)$", "", reference)


def old_images(images: list[dict[str, Any]], repositories: list[str], keep: list[str]) -> list[str]:
    """Return the references of images of these repositories that no kept release names.

    :param images: as from ``GET /images/json``.
    """
    found = []
    for image in images:
        references = [*(image.get("RepoDigests") or []), *(image.get("RepoTags") or [])]
        if any(reference in keep for reference in references):
            continue
        found += [
            reference
            for reference in references
            if _repository(reference) in repositories and not reference.endswith(">")
        ]
    return sorted(found)


def old_objects(objects: list[dict[str, Any]], stack: str, keep: list[str]) -> list[tuple[str, str]]:
    """Return ``(id, name)`` of versioned secrets or configs of the stack that no kept release names.

    :param objects: as from ``GET /secrets`` or ``GET /configs``.
    """
    versioned = re.compile(rf"{re.escape(stack)}_[a-z0-9-]+_[0-9a-f]{{12}}")
    named = [(one["ID"], one["Spec"]["Name"]) for one in objects]
    return sorted((key, name) for key, name in named if versioned.fullmatch(name) and name not in keep)


def prune(parameters: dict[str, Any], check_mode: bool) -> list[str]:
    """Remove it and return what went, one text each.

    :param parameters: ``releases``, ``images`` and ``objects`` as in the module, each may be ``None``.
    """
    removed = []
    releases, images, objects = parameters["releases"], parameters["images"], parameters["objects"]
    folder = Path(releases["directory"]) if releases else None
    if folder and folder.is_dir():
        for name in old_releases([path.name for path in folder.iterdir()], releases["keep"]):
            if not check_mode:
                shutil.rmtree(folder / name, ignore_errors=True)
            removed.append(f"release {name}")
    if images:
        for reference in old_images(_listed("/images/json"), images["repositories"], images["keep"]):
            if check_mode or _delete(f"/images/{quote(reference, safe='')}") == 200:
                removed.append(f"image {reference}")
    for kind in ("secrets", "configs") if objects else ():
        for key, name in old_objects(_listed(f"/{kind}"), objects["stack"], objects["keep"]):
            if check_mode or _delete(f"/{kind}/{key}") == 204:
                removed.append(f"{kind[:-1]} {name}")
    return removed
