# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where secrets are kept: one interface, whatever keeps them, with the value in use, the one before, and the one to come.

The labels are AWS Secrets Manager's
(https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html): *current*, *previous*, *pending*. A new value
is pending first, so that it is durable before anything knows it, and becomes current in one step. Stores are used on the controller.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ErrorCode


@dataclass(frozen=True)
class Version:
    """One value of a secret under the store's own id for it."""

    id: str
    value: str

    def __repr__(self) -> str:
        """Leave the value out: this may end up in a traceback."""
        return f"Version({self.id})"


@dataclass(frozen=True)
class Versions:
    """The labelled values of one secret."""

    current: Version | None = None
    previous: Version | None = None
    pending: Version | None = None


NOTHING = Versions()


class StoreError(Exception):
    """A store that does not do what it was asked. ``code`` says why, ``reason`` the rest; neither holds a value.

    ``next_command`` is given where the code's own would mislead.
    """

    def __init__(self, code: ErrorCode, reason: str, next_command: str | None = None) -> None:
        super().__init__(f"{code.value}: {reason}")
        self.code = code
        self.reason = reason
        self.next_command = next_command


class SecretStore(ABC):
    """Keeps secrets. Each method is one step: whoever is killed between two of them is understood by the next run.

    All of them raise :class:`StoreError` with one of four codes, for wrong credentials (E_STORE_LOGIN), a right that is lacking
    (E_STORE_DENIED), no connection (E_STORE_UNREACHABLE) and too many requests (E_STORE_THROTTLED); and E_STORE_CONFLICT where
    somebody else wrote meanwhile.
    """

    place: str
    """What people call the store."""

    advice: str
    """How a person puts a secret there."""

    @abstractmethod
    def read(self) -> dict[str, Versions]:
        """Return all secrets by name."""

    @abstractmethod
    def read_one(self, name: str) -> Versions:
        """Return one secret; one that does not exist has no values."""

    @abstractmethod
    def stage(self, name: str, value: str) -> Versions:
        """Make a value the pending one. The first value of a secret is current at once: there is nothing that it could replace."""

    @abstractmethod
    def promote(self, name: str) -> Versions:
        """Make the pending value the current one and the current one the previous one. With nothing pending, do nothing."""

    @abstractmethod
    def discard(self, name: str) -> Versions:
        """Forget the pending value."""

    def set(self, name: str, value: str) -> Versions:
        """Make a value the current one. Killed anywhere and called again, it ends the same; what another run left pending goes.

        With the value that is current already, nothing is written.
        """
        versions = self.read_one(name)
        if versions.pending and versions.pending.value != value:
            versions = self.discard(name)
        if versions.current and versions.current.value == value:
            return self.discard(name) if versions.pending else versions
        if not versions.pending:
            self.stage(name, value)
        return self.promote(name)


def staged(versions: Versions, new: Version) -> Versions:
    """Return the labels after :meth:`SecretStore.stage`, for stores that keep them together.

    :raises StoreError: another value is pending (E_STORE_CONFLICT).
    """
    if versions.pending and versions.pending.value != new.value:
        raise StoreError(ErrorCode.E_STORE_CONFLICT, "another value is pending; promote or discard it first")
    if versions.pending:
        return versions
    return replace(versions, pending=new) if versions.current else Versions(current=new)


def promoted(versions: Versions) -> Versions:
    """Return the labels after :meth:`SecretStore.promote`."""
    if not versions.pending:
        return versions
    return Versions(current=versions.pending, previous=versions.current)
