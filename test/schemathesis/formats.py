"""Values of the formats that JSON Schema has no words for."""

import base64
from datetime import datetime, timezone

import schemathesis
from hypothesis import strategies as st

BASE32 = "0123456789abcdefghjkmnpqrstvwxyz"


def base64url(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def id_of(prefix: str, bits: int) -> str:
    """An id of that kind: a UUID of version 7, in base32."""
    uuid = bits & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62
    digits = "".join(BASE32[uuid >> shift & 31] for shift in range(125, -1, -5))
    return f"{prefix}_{digits}"


def cursors(prefix: str) -> st.SearchStrategy[str]:
    return st.integers(0, 2**128 - 1).map(lambda bits: base64url(id_of(prefix, bits)))


for prefix in ("acct", "att", "aud", "dlv", "evt", "key", "wh"):
    schemathesis.openapi.format(f"{prefix}-cursor", cursors(prefix))

schemathesis.openapi.format(
    "pull-cursor",
    st.tuples(st.integers(0, 2**128 - 1), st.integers(1, 10**6), st.integers(10**12, 2 * 10**12)).map(
        lambda parts: base64url(f"{id_of('wh', parts[0])}/{parts[1]}/{parts[2]}")
    ),
)

schemathesis.openapi.format(
    "event-type-cursor",
    st.from_regex(r"\A[a-z]{1,20}(\.[a-z]{1,20}){0,3}\Z").map(base64url),
)

schemathesis.openapi.format(
    "signing-secret",
    st.binary(min_size=24, max_size=64).map(lambda key: "whsec_" + base64.b64encode(key).decode()),
)

# Most texts are no expression, and few expressions are true of most events.
schemathesis.openapi.format(
    "jsonata",
    st.sampled_from(["true", "data.amount > 100", "$exists(data)", '{"type": type}', "$body", "data"]),
)

# Times are taken from 1970 on.
schemathesis.openapi.format(
    "date-time",
    st.datetimes(datetime(1970, 1, 2), timezones=st.just(timezone.utc)).map(datetime.isoformat),
)

# Names under .invalid lead nowhere (RFC 6761).
schemathesis.openapi.format(
    "uri",
    st.from_regex(r"\Ahttps://[a-z]{1,20}\.invalid/[a-z0-9/]{0,40}\Z"),
)
