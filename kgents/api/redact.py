"""Secrets stay in memory: what leaves it (ghost, journal, diffs, logs) passes through here.

By kind (a Secret's data), by key (`password`, `apiKey`, an environment variable called `…_TOKEN`) and by shape
(bearer tokens, JWTs, passwords in URLs). Names of Secrets and references to them are no secrets and stay.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

REDACTED = "[redacted]"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

_SECRET_KEY = re.compile(
    r"pass(word|wd|phrase)|secret|(?<!csrf)token|api[-_.]?key|access[-_.]?key|private[-_.]?key|client-key-data"
    r"|credential|authorization|cookie|\bauth$|[-_]auth$",
    re.IGNORECASE,
)
# Keys that speak about a secret without holding it.
_HARMLESS_KEY = re.compile(
    r"(ref|refs|name|names|namespace|path|file|budget|count|limit|type|policy|expirationseconds|max_tokens|tokens)$",
    re.IGNORECASE,
)
_SHAPES = (
    (re.compile(r"\b(bearer|basic) {1,4}[A-Za-z0-9._~+/=-]{8,4096}", re.IGNORECASE), rf"\1 {REDACTED}"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{10,4096}\.[A-Za-z0-9_-]{10,4096}\.[A-Za-z0-9_-]{0,1024}"), REDACTED),
    (re.compile(r"\b(sk|pk|ghp|gho|ghs|glpat|xox[abpr])[-_][A-Za-z0-9_-]{16,512}"), REDACTED),
    (re.compile(r"(://[^/\s:@]{1,256}:)[^/\s:@]{1,256}(?=@)"), rf"\1{REDACTED}"),
    (
        re.compile(
            r"((?:password|passwd|passphrase|secret|token|api[-_]?key|access[-_]?key)"
            r"[\"']?[ \t]{0,4}[=:][ \t]{0,4}[\"']?)[^\s\"',;&]{1,4096}",
            re.IGNORECASE,
        ),
        rf"\1{REDACTED}",
    ),
    (re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]{0,65536}(-----END [A-Z ]{0,40}-----)?"), REDACTED),
)


def is_secret_key(key: str) -> bool:
    """Whether a value under this key is to be kept from sight."""
    return _SECRET_KEY.search(key) is not None and _HARMLESS_KEY.search(key) is None


def redact_text(text: str) -> str:
    """The text without what looks like a secret in it. Takes time in proportion to its length."""
    for pattern, replacement in _SHAPES:
        text = pattern.sub(replacement, text)
    return text


def redact(value: Any) -> Any:
    """A copy of an object (or any part of one) that may leave memory."""
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, list):
        return [redact(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    if value.get("kind") == "Secret":
        return {key: _blank(item) if key in ("data", "stringData") else redact(item) for key, item in value.items()}
    if isinstance(value.get("name"), str) and "value" in value and is_secret_key(value["name"]):
        return {key: REDACTED if key == "value" else redact(item) for key, item in value.items()}
    return {key: _entry(str(key), item) for key, item in value.items()}


def _entry(key: str, value: Any) -> Any:
    if key == LAST_APPLIED and isinstance(value, str):
        return _redact_json(value)
    if isinstance(value, (str, bytes)) and is_secret_key(key):
        return REDACTED
    return redact(value)


def _blank(data: Any) -> Any:
    return dict.fromkeys(data, REDACTED) if isinstance(data, Mapping) else REDACTED


def _redact_json(text: str) -> str:
    try:
        return json.dumps(redact(json.loads(text)), separators=(",", ":"))
    except (ValueError, RecursionError):
        return REDACTED
