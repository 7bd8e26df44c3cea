# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Live probes of providers outside: is this key accepted, and may it do what the platform does with it?

Each asks the least that its provider documents, changes nothing, and costs nothing. What a provider said is never repeated
word for word: answers may quote what was sent.
"""

from __future__ import annotations

import base64
import http.client
import json
import socket
import ssl
import urllib.error
import urllib.parse
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.urls import open_url
from ansible_collections.halobuzz.platform.plugins.module_utils._database_probe import (
    FAILED,
    NOT_CHECKED,
    PASSED,
    Outcome,
)

try:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
except ImportError:  # told by probe_s3: the others do not need it
    boto3 = None

ANSWER_LIMIT_BYTES = 1_000_000
S3_PREFIX = "config-check-probe/"
Values = Mapping[str, str]


class NoAnswer(Exception):
    """Nothing was learned: its text says why."""


def _ask(url: str, timeout_seconds: float, authorization: str, body: Any = None) -> tuple[int, Any]:
    """Send one request; return status and the JSON of the answer, or None where it is none.

    :raises NoAnswer: no connection, a limit on requests, or trouble on their side.
    """
    host = urllib.parse.urlsplit(url).hostname
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    if authorization:
        headers["Authorization"] = authorization
    data = None if body is None else json.dumps(body)
    try:
        try:
            response = open_url(
                url,
                data=data,
                headers=headers,
                timeout=timeout_seconds,
                follow_redirects="no",
                http_agent="halobuzz-config-check",
            )
        except urllib.error.HTTPError as error:
            response = error  # a refusal is an answer
        status, text = response.code, response.read(ANSWER_LIMIT_BYTES)
    except (OSError, ValueError, http.client.HTTPException) as error:  # URLError, TLS and time-outs are OSErrors
        raise NoAnswer(f"{host} {_connection_trouble(getattr(error, 'reason', error))}") from None
    if status == 429:
        raise NoAnswer(f"{host} has had too many requests (429)")
    if status == 407 or status >= 500:
        raise NoAnswer(f"{host} answers with {status}")
    try:
        return status, json.loads(text)
    except ValueError:
        return status, None


def _connection_trouble(error: object) -> str:
    if isinstance(error, TimeoutError):
        return "does not answer in time"
    if isinstance(error, socket.gaierror):
        return "is a name that this machine cannot resolve"
    if isinstance(error, ssl.SSLCertVerificationError):
        return "shows a certificate that this machine does not trust"
    return f"does not answer ({type(error).__name__})"


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _refused(status: int, name: str) -> Outcome:
    """What any other status than the wanted one means."""
    if status == 401:
        return (
            FAILED,
            f"{name} is not accepted (401)",
            "revoked, of another account, or not copied whole: get a new one",
        )
    if status == 403:
        return (
            NOT_CHECKED,
            f"{name} is not allowed to be asked this (403)",
            "a restricted key, or a proxy between: try it by hand",
        )
    return NOT_CHECKED, f"an answer that tells nothing ({status})", "look at the provider's status page"


def probe_stripe(values: Values, base: str, timeout_seconds: float) -> Outcome:
    """Read the balance: https://docs.stripe.com/api/balance/balance_retrieve."""
    status, body = _ask(f"{base}/v1/balance", timeout_seconds, f"Bearer {values['STRIPE_SECRET_KEY']}")
    if status == 200 and isinstance(body, dict):
        return PASSED, f"accepted, {'live' if body.get('livemode') else 'test'} mode", ""
    return _refused(status, "STRIPE_SECRET_KEY")


def probe_twilio(values: Values, base: str, timeout_seconds: float) -> Outcome:
    """Read the account and its numbers: https://www.twilio.com/docs/iam/api/account."""
    account, number = values["TWILIO_ACCOUNT_SID"], values["TWILIO_PHONE_NUMBER"]
    login = _basic(account, values["TWILIO_AUTH_TOKEN"])
    path = f"{base}/2010-04-01/Accounts/{urllib.parse.quote(account, safe='')}"
    status, body = _ask(f"{path}.json", timeout_seconds, login)
    if status != 200 or not isinstance(body, dict):
        return _refused(status, "TWILIO_ACCOUNT_SID with TWILIO_AUTH_TOKEN")
    if body.get("status") != "active":
        return FAILED, "the account is not active", "Twilio console, account info"
    query = urllib.parse.urlencode({"PhoneNumber": number})
    status, body = _ask(f"{path}/IncomingPhoneNumbers.json?{query}", timeout_seconds, login)
    if status != 200 or not isinstance(body, dict):
        return _refused(status, "TWILIO_PHONE_NUMBER")
    if not any(one.get("phone_number") == number for one in body.get("incoming_phone_numbers", [])):
        return FAILED, "TWILIO_PHONE_NUMBER is not one of the account's numbers", "Twilio console, Phone Numbers"
    return PASSED, "accepted, the number belongs to the account", ""


def probe_sendgrid(values: Values, base: str, timeout_seconds: float) -> Outcome:
    """Read what the key may do: https://www.twilio.com/docs/sendgrid/api-reference/api-key-permissions."""
    status, body = _ask(f"{base}/v3/scopes", timeout_seconds, f"Bearer {values['SENDGRID_API_KEY']}")
    if status != 200 or not isinstance(body, dict):
        return _refused(status, "SENDGRID_API_KEY")
    if "mail.send" not in body.get("scopes", []):
        return FAILED, "SENDGRID_API_KEY may not send mail", "SendGrid, Settings, API Keys: give it Mail Send"
    return PASSED, "accepted, may send mail", ""


def probe_openai(values: Values, base: str, timeout_seconds: float) -> Outcome:
    """List the models: https://platform.openai.com/docs/api-reference/models/list."""
    status, body = _ask(f"{base}/v1/models", timeout_seconds, f"Bearer {values['OPENAI_API_KEY']}")
    return (PASSED, "accepted", "") if status == 200 and isinstance(body, dict) else _refused(status, "OPENAI_API_KEY")


def probe_khalti(values: Values, base: str, timeout_seconds: float) -> Outcome:
    """Look a payment up that does not exist: https://docs.khalti.com/khalti-epayment/. Only who has logged in learns that."""
    key = f"Key {values['KHALTI_SECRET_KEY']}"
    status, body = _ask(f"{base}/api/v2/epayment/lookup/", timeout_seconds, key, {"pidx": uuid.uuid4().hex[:22]})
    if status in (200, 400, 404) and isinstance(body, dict):
        return PASSED, "accepted", ""
    return _refused(status, "KHALTI_SECRET_KEY")


def probe_esewa(values: Values, base: str, timeout_seconds: float) -> Outcome:
    """Ask for a payment that does not exist: https://developer.esewa.com.np/pages/Epay. The secret takes no part in it."""
    query = {"product_code": values["ESEWA_MERCHANT_ID"], "total_amount": 1, "transaction_uuid": str(uuid.uuid4())}
    url = f"{base}/api/epay/transaction/status/?{urllib.parse.urlencode(query)}"
    status, body = _ask(url, timeout_seconds, "")
    if status == 200 and isinstance(body, dict) and body.get("status") == "NOT_FOUND":
        return PASSED, "knows the merchant; only a payment shows whether ESEWA_SECRET is right", ""
    return (
        NOT_CHECKED,
        f"an answer that tells nothing of the merchant ({status})",
        "make a payment of the smallest amount",
    )


def probe_agora(_values: Values, _base: str, _timeout_seconds: float) -> Outcome:
    """Agora's requests want a customer's key (https://docs.agora.io/en/faq/restful_authentication); the platform has none."""
    return (
        NOT_CHECKED,
        "Agora has no request for app id and certificate alone",
        "join a channel with a token of the backend",
    )


_S3_LOGIN = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "AuthorizationHeaderMalformed", "InvalidToken")


def _s3_client(values: Values, base: str, timeout_seconds: float) -> Any:
    return boto3.client(
        "s3",
        aws_access_key_id=values["S3_ACCESS_KEY"],
        aws_secret_access_key=values["S3_SECRET_KEY"],
        region_name=values["S3_REGION"],
        endpoint_url=base or values.get("S3_ENDPOINT") or None,
        config=Config(
            connect_timeout=timeout_seconds,
            read_timeout=timeout_seconds,
            retries={"total_max_attempts": 1},
            signature_version="s3v4",
        ),
    )


def probe_s3(values: Values, base: str, timeout_seconds: float) -> Outcome:
    """Write, read and delete one object below ``config-check-probe/``, as the platform does with uploads."""
    if boto3 is None:
        return NOT_CHECKED, "this machine has no boto3", "make tools"
    try:
        client = _s3_client(values, base, timeout_seconds)
    except (BotoCoreError, ValueError):  # its words quote the address, which may hold anything
        return FAILED, "S3_ENDPOINT or S3_REGION is not usable", "S3_ENDPOINT is a URL such as https://s3.example.net"
    place = {"Bucket": values["S3_BUCKET"], "Key": f"{S3_PREFIX}{uuid.uuid4()}"}
    doing, written = "write", False
    try:
        client.put_object(**place, Body=place["Key"].encode())
        doing, written = "read", True
        if client.get_object(**place)["Body"].read() != place["Key"].encode():
            return FAILED, "S3 gives back something else than was written", "is S3_ENDPOINT a cache?"
        doing = "delete"
        client.delete_object(**place)
        written = False
    except ClientError as error:
        code = str(error.response["Error"]["Code"])
        if code in _S3_LOGIN:
            return (
                FAILED,
                f"S3_ACCESS_KEY with S3_SECRET_KEY is not accepted ({code})",
                "AWS IAM: make a new access key",
            )
        if code == "NoSuchBucket":
            return FAILED, "there is no bucket of the name S3_BUCKET", "make it, or correct S3_BUCKET and S3_REGION"
        if code in ("AccessDenied", "403"):
            return (
                FAILED,
                f"the key may not {doing} objects",
                "AWS IAM: s3:GetObject, PutObject, DeleteObject on the bucket",
            )
        return NOT_CHECKED, f"S3 answers with {code} when asked to {doing}", "try again"
    except ParamValidationError:
        return FAILED, "S3_BUCKET is not the name of a bucket", "correct S3_BUCKET"
    except (BotoCoreError, ValueError) as error:
        return NOT_CHECKED, f"S3 does not answer ({type(error).__name__})", "check S3_ENDPOINT and S3_REGION"
    finally:
        if written:
            with suppress(ClientError, BotoCoreError):
                client.delete_object(**place)
    return PASSED, "writes, reads and deletes below " + S3_PREFIX, ""


@dataclass(frozen=True)
class Probe:
    """One provider: ``name`` is the variable that findings name, ``needs`` what must be set for it to be asked."""

    name: str
    needs: tuple[str, ...]
    base: str
    ask: Callable[[Values, str, float], Outcome]


PROBES: dict[str, Probe] = {
    "s3": Probe("S3_ACCESS_KEY", ("S3_ACCESS_KEY", "S3_SECRET_KEY", "S3_BUCKET", "S3_REGION"), "", probe_s3),
    "stripe": Probe("STRIPE_SECRET_KEY", ("STRIPE_SECRET_KEY",), "https://api.stripe.com", probe_stripe),
    "twilio": Probe(
        "TWILIO_AUTH_TOKEN",
        ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_PHONE_NUMBER"),
        "https://api.twilio.com",
        probe_twilio,
    ),
    "sendgrid": Probe("SENDGRID_API_KEY", ("SENDGRID_API_KEY",), "https://api.sendgrid.com", probe_sendgrid),
    "openai": Probe("OPENAI_API_KEY", ("OPENAI_API_KEY",), "https://api.openai.com", probe_openai),
    "khalti": Probe("KHALTI_SECRET_KEY", ("KHALTI_SECRET_KEY",), "https://khalti.com", probe_khalti),
    "esewa": Probe("ESEWA_MERCHANT_ID", ("ESEWA_MERCHANT_ID",), "https://epay.esewa.com.np", probe_esewa),
    "agora": Probe("AGORA_APP_ID", ("AGORA_APP_ID", "AGORA_APP_CERT"), "", probe_agora),
}
DATABASES = {"mongodb": ("MONGODB_URI",), "redis": ("REDIS_URL", "REDIS_CACHE_URL")}
"""Probes that run on a host, by name: the variables that hold their URIs."""


def ask(probe: Probe, values: Values, base: str, timeout_seconds: float) -> Outcome:
    """Ask one provider; whatever goes wrong on the way is an outcome, too.

    :param base: another address of the provider, for instance its sandbox; empty: its own.
    """
    absent = [name for name in probe.needs if not values.get(name)]
    if absent:
        return NOT_CHECKED, f"not set: {', '.join(absent)}", "set it, or leave this probe out"
    if any(not " " < letter < "\x7f" for name in probe.needs for letter in values[name]):
        return FAILED, f"{' or '.join(probe.needs)} holds characters that it cannot have", "copy it again"
    try:
        return probe.ask(values, base or probe.base, timeout_seconds)
    except (AttributeError, KeyError, TypeError):  # JSON, and not of the form that is documented
        return NOT_CHECKED, "an answer that tells nothing (of an unknown form)", "look at the provider's status page"
    except NoAnswer as error:
        return NOT_CHECKED, str(error), "can this machine reach it? a proxy is taken from HTTPS_PROXY"
