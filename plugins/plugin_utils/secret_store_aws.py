# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets in AWS Secrets Manager: one secret per name below a prefix, with Amazon's own staging labels.

Rights that it needs, on ``PREFIX/*``: secretsmanager:ListSecrets (for all), GetSecretValue, DescribeSecret, CreateSecret, PutSecretValue,
UpdateSecretVersionStage. Credentials are found as by every AWS tool: environment, shared files, instance role.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ErrorCode
from ansible_collections.halobuzz.platform.plugins.plugin_utils.secret_store import (
    NOTHING,
    SecretStore,
    StoreError,
    Version,
    Versions,
)

try:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        HTTPClientError,
        NoCredentialsError,
        PartialCredentialsError,
    )
    from botocore.exceptions import (
        ConnectionError as BotoConnectionError,
    )
except ImportError:  # told by AwsStore: a lookup of another store must not need boto3
    boto3 = None

LABELS = {"AWSCURRENT": "current", "AWSPREVIOUS": "previous", "AWSPENDING": "pending"}
# https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html, and the codes of its signature check
_CODES = {
    **dict.fromkeys(
        (
            "UnrecognizedClientException",
            "InvalidClientTokenId",
            "InvalidSignatureException",
            "SignatureDoesNotMatch",
            "ExpiredTokenException",
            "IncompleteSignature",
            "MissingAuthenticationToken",
            "NotAuthorized",
        ),
        ErrorCode.E_STORE_LOGIN,
    ),
    **dict.fromkeys(("AccessDeniedException", "AccessDenied", "OptInRequired"), ErrorCode.E_STORE_DENIED),
    **dict.fromkeys(
        ("ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"),
        ErrorCode.E_STORE_THROTTLED,
    ),
    **dict.fromkeys(("InternalServiceError", "ServiceUnavailable", "InternalFailure"), ErrorCode.E_STORE_UNREACHABLE),
}
AT_ONCE = 8
ATTEMPTS = 4


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Turn what boto3 raises into the store's own error; its texts hold names and rights, never a value."""
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        otherwise = (
            ErrorCode.E_STORE_DENIED if code in ("401", "403") else ErrorCode.E_STORE_CONFLICT
        )  # a proxy's answer
        raise StoreError(_CODES.get(code, otherwise), f"{what}: {code}") from None
    except (NoCredentialsError, PartialCredentialsError):
        raise StoreError(ErrorCode.E_STORE_LOGIN, f"{what}: no AWS credentials were found") from None
    except (BotoConnectionError, HTTPClientError) as error:
        raise StoreError(ErrorCode.E_STORE_UNREACHABLE, f"{what}: {type(error).__name__}") from None
    except BotoCoreError as error:
        raise StoreError(ErrorCode.E_STORE_LOGIN, f"{what}: {type(error).__name__}") from None


class AwsStore(SecretStore):
    """Secrets below ``prefix``, in the region and with the credentials that boto3 finds."""

    def __init__(self, prefix: str, region: str | None = None, endpoint: str | None = None, **credentials: str) -> None:
        if boto3 is None:
            raise StoreError(
                ErrorCode.E_STORE_UNREACHABLE, "the Python package boto3 is not installed on the controller"
            )
        self.prefix = prefix.strip("/")
        self.place = f"AWS Secrets Manager, {self.prefix}/"
        self.advice = f"aws secretsmanager create-secret --name {self.prefix}/NAME --secret-string file://FILE"
        # Amazon asks for retries with growing pauses; after these it is told as it is.
        config = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", "max_attempts": ATTEMPTS})
        with _told("secrets manager"):
            self._client: Any = boto3.client(
                "secretsmanager", region_name=region, endpoint_url=endpoint, config=config, **credentials
            )

    def _id(self, name: str) -> str:
        return f"{self.prefix}/{name}"

    def read(self) -> dict[str, Versions]:
        """See :meth:`SecretStore.read`."""
        with _told(f"list of {self.prefix}/*"):
            pages = self._client.get_paginator("list_secrets").paginate(
                Filters=[{"Key": "name", "Values": [f"{self.prefix}/"]}]
            )
            listed = [secret for page in pages for secret in page["SecretList"]]
        names = [
            one["Name"].removeprefix(f"{self.prefix}/") for one in listed if one["Name"].startswith(f"{self.prefix}/")
        ]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(zip(names, pool.map(self.read_one, names), strict=True))

    def read_one(self, name: str) -> Versions:
        """See :meth:`SecretStore.read_one`. Values by their id, so that a label that moves meanwhile mixes up nothing."""
        with _told(self._id(name)):
            try:
                described = self._client.describe_secret(SecretId=self._id(name))
            except self._client.exceptions.ResourceNotFoundException:
                return NOTHING
            ids: dict[str, str] = {}
            for version_id, labels in (described.get("VersionIdsToStages") or {}).items():
                ids.update({LABELS[label]: version_id for label in labels if label in LABELS})
            if ids.get("pending") == ids.get("current"):
                ids.pop("pending", None)  # killed between the two calls of promote, or the first value
            return Versions(**{label: self._value(name, version_id) for label, version_id in ids.items()})

    def _value(self, name: str, version_id: str) -> Version:
        answer = self._client.get_secret_value(SecretId=self._id(name), VersionId=version_id)
        return Version(version_id, answer.get("SecretString", ""))

    def stage(self, name: str, value: str) -> Versions:
        """See :meth:`SecretStore.stage`."""
        versions = self.read_one(name)
        if versions.pending and versions.pending.value != value:
            raise StoreError(ErrorCode.E_STORE_CONFLICT, f"{self._id(name)}: another value is pending")
        if not versions.pending:
            with _told(self._id(name)):
                if versions == NOTHING:
                    # Two steps: killed between them, there is a secret without a value, which the next run finds and fills.
                    with suppress(self._client.exceptions.ResourceExistsException):
                        self._client.create_secret(Name=self._id(name), Description="halobuzz.platform")
                self._client.put_secret_value(SecretId=self._id(name), SecretString=value, VersionStages=["AWSPENDING"])
        return self.read_one(name)

    def promote(self, name: str) -> Versions:
        """See :meth:`SecretStore.promote`."""
        versions = self.read_one(name)
        with _told(self._id(name)):
            if versions.pending and versions.current:
                # Amazon moves AWSPREVIOUS in the same step, and refuses when AWSCURRENT is not where it was read.
                self._client.update_secret_version_stage(
                    SecretId=self._id(name),
                    VersionStage="AWSCURRENT",
                    MoveToVersionId=versions.pending.id,
                    RemoveFromVersionId=versions.current.id,
                )
        return self.discard(name)

    def discard(self, name: str) -> Versions:
        """See :meth:`SecretStore.discard`."""
        with _told(self._id(name)):
            described = self._client.describe_secret(SecretId=self._id(name))
            for version_id, labels in (described.get("VersionIdsToStages") or {}).items():
                if "AWSPENDING" in labels:
                    self._client.update_secret_version_stage(
                        SecretId=self._id(name), VersionStage="AWSPENDING", RemoveFromVersionId=version_id
                    )
        return self.read_one(name)
