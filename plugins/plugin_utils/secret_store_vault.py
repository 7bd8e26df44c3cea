# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets in the KV engine, version 2, of HashiCorp Vault or OpenBao: one document per secret, written with check-and-set.

A document has the fields ``value``, ``previous`` and ``pending``, so that ``vault kv put secret/halobuzz/NAME value=…`` is all that a person
needs to know; ``ids`` are the store's own names of them. All labels change in one write, which Vault refuses when somebody else
wrote since they were read (https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2#create-update-secret).

Credentials are found as by Vault's own tools: VAULT_ADDR, VAULT_TOKEN or ~/.vault-token, VAULT_NAMESPACE, VAULT_CACERT; or an AppRole
from VAULT_ROLE_ID and VAULT_SECRET_ID.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import Any

from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ErrorCode
from ansible_collections.halobuzz.platform.plugins.plugin_utils.secret_store import (
    NOTHING,
    SecretStore,
    StoreError,
    Version,
    Versions,
    promoted,
    staged,
)

try:
    import hvac
    import requests
    from hvac import exceptions
    from urllib3.util.retry import Retry
except ImportError:  # told by VaultStore: a lookup of another store must not need hvac
    hvac = None

FIELDS = {"value": "current", "previous": "previous", "pending": "pending"}
AT_ONCE = 8
ATTEMPTS = 4
TIMEOUT_SECONDS = 10


class VaultStore(SecretStore):
    """Secrets below ``prefix`` in the engine at ``mount``."""

    def __init__(self, prefix: str, mount: str = "secret", address: str | None = None) -> None:
        if hvac is None:
            raise StoreError(
                ErrorCode.E_STORE_UNREACHABLE, "the Python package hvac is not installed on the controller"
            )
        self.prefix = prefix.strip("/")
        self.mount = mount.strip("/")
        self.place = f"Vault, {self.mount}/{self.prefix}/"
        self.advice = f"vault kv put -mount={self.mount} {self.prefix}/NAME value=@FILE"
        namespace = os.environ.get("VAULT_NAMESPACE")
        self._client: Any = hvac.Client(url=address, namespace=namespace, timeout=TIMEOUT_SECONDS)
        # Refused for their number, requests were not looked at, so that writes may be repeated, too.
        patience = Retry(
            total=ATTEMPTS - 1,
            status_forcelist=(429,),
            allowed_methods=None,
            backoff_factor=0.5,
            connect=0,
            read=0,
            raise_on_status=False,
        )
        for scheme in ("http://", "https://"):
            self._client.adapter.session.mount(scheme, requests.adapters.HTTPAdapter(max_retries=patience))

    def read(self) -> dict[str, Versions]:
        """See :meth:`SecretStore.read`."""
        with self._told(f"list of {self.prefix}/*"):
            try:
                listed = self._kv.list_secrets(self.prefix, self.mount)["data"]["keys"]
            except exceptions.InvalidPath:
                listed = []  # nothing is there yet
        names = [name for name in listed if not name.endswith("/")]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(zip(names, pool.map(self.read_one, names), strict=True))

    def read_one(self, name: str) -> Versions:
        """See :meth:`SecretStore.read_one`."""
        return self._read(name)[0]

    def stage(self, name: str, value: str) -> Versions:
        """See :meth:`SecretStore.stage`."""
        return self._change(name, lambda versions: staged(versions, Version(str(uuid.uuid4()), value)))

    def promote(self, name: str) -> Versions:
        """See :meth:`SecretStore.promote`."""
        return self._change(name, promoted)

    def discard(self, name: str) -> Versions:
        """See :meth:`SecretStore.discard`."""
        return self._change(name, lambda versions: replace(versions, pending=None))

    @cached_property
    def _kv(self) -> Any:
        """The engine's interface, logged in, and seen to be one that keeps versions: with version 1 every path means another."""
        if "VAULT_ROLE_ID" in os.environ:
            try:
                self._client.auth.approle.login(os.environ["VAULT_ROLE_ID"], os.environ.get("VAULT_SECRET_ID"))
            except exceptions.InvalidRequest as error:
                reason = f"AppRole of VAULT_ROLE_ID: {'; '.join(error.errors or [])}"
                raise StoreError(ErrorCode.E_STORE_LOGIN, reason) from None
        if not self._client.token:
            reason = "neither VAULT_TOKEN, nor ~/.vault-token, nor VAULT_ROLE_ID with VAULT_SECRET_ID"
            raise StoreError(ErrorCode.E_STORE_LOGIN, reason)
        engine = self._client.adapter.get(f"/v1/sys/internal/ui/mounts/{self.mount}")["data"]
        if (engine.get("options") or {}).get("version") != "2":
            reason = (
                f"{self.mount}/ is no KV engine of version 2, but {engine.get('type')}: see config_secret_store_mount"
            )
            raise StoreError(ErrorCode.E_STORE_DENIED, reason)
        return self._client.secrets.kv.v2

    def _read(self, name: str) -> tuple[Versions, int]:
        """Return a secret's values and the document's version in Vault; 0 where there never was one."""
        with self._told(f"{self.prefix}/{name}"):
            try:
                answer = self._kv.read_secret_version(
                    f"{self.prefix}/{name}", mount_point=self.mount, raise_on_deleted_version=False
                )["data"]
            except exceptions.InvalidPath:
                return NOTHING, 0
            fields = answer["data"] or {}  # deleted: a version without fields
            ids = fields.get("ids") or {}
            # Who writes by hand gives no id.
            labelled = {
                label: Version(ids.get(field, "unversioned"), str(fields[field]))
                for field, label in FIELDS.items()
                if fields.get(field) is not None
            }
            return Versions(**labelled), answer["metadata"]["version"]

    def _change(self, name: str, change: Callable[[Versions], Versions]) -> Versions:
        for attempt in range(1, ATTEMPTS + 1):
            before, version = self._read(name)
            after = change(before)
            if after == before:
                return after
            labelled = {field: getattr(after, label) for field, label in FIELDS.items() if getattr(after, label)}
            fields: dict[str, Any] = {field: one.value for field, one in labelled.items()}
            fields["ids"] = {field: one.id for field, one in labelled.items()}
            try:
                with self._told(f"{self.prefix}/{name}"):
                    self._kv.create_or_update_secret(
                        f"{self.prefix}/{name}", fields, cas=version, mount_point=self.mount
                    )
            except StoreError as error:
                if error.code is not ErrorCode.E_STORE_CONFLICT or attempt == ATTEMPTS:
                    raise
            else:
                return after
        raise AssertionError  # the last attempt returns or raises

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Turn what hvac raises into the store's own error; Vault's texts hold paths and rights, never a value."""
        try:
            yield
        except exceptions.VaultError as error:
            reason = f"{what}: {'; '.join(error.errors or []) or type(error).__name__}"
            raise StoreError(self._code(error), reason) from None
        except requests.RequestException as error:
            reason = f"{self._client.url}: {type(error).__name__}"
            raise StoreError(ErrorCode.E_STORE_UNREACHABLE, reason) from None

    def _code(self, error: exceptions.VaultError) -> ErrorCode:
        if isinstance(error, exceptions.Forbidden):
            return ErrorCode.E_STORE_DENIED if self._is_known() else ErrorCode.E_STORE_LOGIN
        if isinstance(error, exceptions.InvalidRequest):
            unknown = "missing client token" in str(error)
            return ErrorCode.E_STORE_LOGIN if unknown else ErrorCode.E_STORE_CONFLICT
        if isinstance(error, exceptions.Unauthorized):  # a proxy's answer
            return ErrorCode.E_STORE_LOGIN
        if isinstance(error, exceptions.RateLimitExceeded):
            return ErrorCode.E_STORE_THROTTLED
        return ErrorCode.E_STORE_UNREACHABLE  # sealed, no leader, broken, not initialised

    def _is_known(self) -> bool:
        """Whether Vault knows the token. It says "permission denied" to a wrong one and to a weak one; every token may look itself up."""
        try:
            self._client.auth.token.lookup_self()
        except (exceptions.VaultError, requests.RequestException):
            return False
        return True
