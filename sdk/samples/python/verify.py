"""Verifies a webhook that Postrider sent, with Python's standard library alone (3.9 or later).

ed25519 keys (``v1a``) are not in the standard library: take the ``whsec_`` secret, or a package such as ``cryptography``.
"""

import base64
import hashlib
import hmac
import json
import re
import time

TOLERANCE_SECONDS = 5 * 60


class VerificationError(Exception):
    """The request does not come from whoever has the secret, or not now."""


def verify(body: bytes, headers: dict, secret: str, now: float | None = None):
    """The payload of a request that carries Standard Webhooks' headers; every Postrider profile sends them.

    ``body`` is as it came over the wire, before anything parsed it. Raises VerificationError.
    """
    values = {name.lower(): value for name, value in headers.items()}
    event_id = values.get("webhook-id", "")
    seconds = values.get("webhook-timestamp", "")
    signatures = values.get("webhook-signature", "")
    if not (event_id and seconds and signatures):
        raise VerificationError("webhook-id, webhook-timestamp or webhook-signature is missing")
    if not re.fullmatch(r"[0-9]{1,12}", seconds):
        raise VerificationError("webhook-timestamp is no time")
    if abs((time.time() if now is None else now) - int(seconds)) > TOLERANCE_SECONDS:
        raise VerificationError("webhook-timestamp is not of the last five minutes")
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    signed = f"{event_id}.{seconds}.".encode() + body
    expected = b"v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    # During a rotation there are several, with blanks between.
    if not any(hmac.compare_digest(expected, one.encode()) for one in signatures.split(" ")):
        raise VerificationError("no signature is one by the secret")
    return json.loads(body)


def verify_inbox(body: bytes, headers: dict, secret: str):
    """The payload of a request that carries X-Inbox-Signature, which has no time in it: whoever saw it once can send it again.

    Its key is the secret's whole text, ``whsec_`` included. Raises VerificationError.
    """
    values = {name.lower(): value for name, value in headers.items()}
    given = values.get("x-inbox-signature", "")
    expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), given.encode()):
        raise VerificationError("X-Inbox-Signature is not one by the secret")
    return json.loads(body)
