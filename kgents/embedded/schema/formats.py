"""String formats that Kubernetes checks. A format it does not know is not an error, so it is not one here."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import ipaddress
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

_DATE_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_GO_DURATION = re.compile(r"[+-]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+", re.ASCII)
_WORD_DURATION = re.compile(
    r"\d+\s*(?:ns|nano|nanos|us|µs|micro|micros|ms|milli|millis|s|sec|secs|second|seconds|m|min|mins|minute|minutes"
    r"|h|hr|hrs|hour|hours|d|day|days|w|wk|wks|week|weeks)",
    re.ASCII | re.IGNORECASE,
)
_HOSTNAME = re.compile(r"(?!-)[a-zA-Z0-9-]{1,63}(?<!-)(?:\.(?!-)[a-zA-Z0-9-]{1,63}(?<!-))*\.?", re.ASCII)
_EMAIL = re.compile(r"[^@\s<>()\[\],;:\\\"]{1,64}@[A-Za-z0-9.-]{1,255}", re.ASCII)
_MAC = re.compile(r"(?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}(?:(?:[:-][0-9a-fA-F]{2}){2})?", re.ASCII)
_SHORT_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_LONG_NAME = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*", re.ASCII
)
_HEX_COLOR = re.compile(r"#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})", re.ASCII)


def _uuid(version: str, variant: str) -> re.Pattern[str]:
    form = rf"[0-9a-f]{{8}}-?[0-9a-f]{{4}}-?{version}[0-9a-f]{{3}}-?{variant}[0-9a-f]{{3}}-?[0-9a-f]{{12}}"
    return re.compile(form, re.ASCII | re.IGNORECASE)


def is_date_time(text: str) -> bool:
    """RFC 3339, with the date and the time of day existing."""
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        return False
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    return _is_day(year, month, day) and hour < 24 and minute < 60 and second < 60


def _is_day(year: int, month: int, day: int) -> bool:
    try:
        dt.date(year or 4, month, day)
    except ValueError:
        return False
    return True


def is_date(text: str) -> bool:
    """RFC 3339 full-date."""
    return bool(re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII)) and _is_day(*(int(p) for p in text.split("-")))


def is_duration(text: str) -> bool:
    """A Go duration (`1h30m`) or the words the Go OpenAPI library takes (`2 weeks`)."""
    return text == "0" or bool(_GO_DURATION.fullmatch(text) or _WORD_DURATION.fullmatch(text))


def _ip(version: int) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            return ipaddress.ip_address(text).version == version
        except ValueError:
            return False

    return check


def _is_cidr(text: str) -> bool:
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        return False
    return "/" in text


def _is_uri(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme) or text.startswith("/")


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _matches(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.fullmatch(text) is not None


def _is_hostname(text: str) -> bool:
    return len(text) <= 255 and _HOSTNAME.fullmatch(text) is not None


FORMATS: dict[str, Callable[[str], bool]] = {
    "date-time": is_date_time,
    "datetime": is_date_time,
    "date": is_date,
    "duration": is_duration,
    "ipv4": _ip(4),
    "ipv6": _ip(6),
    "cidr": _is_cidr,
    "uri": _is_uri,
    "byte": _is_base64,
    "email": _matches(_EMAIL),
    "hostname": _is_hostname,
    "mac": _matches(_MAC),
    "uuid": _matches(_uuid("[0-9a-f]", "[0-9a-f]")),
    "uuid3": _matches(_uuid("3", "[0-9a-f]")),
    "uuid4": _matches(_uuid("4", "[89ab]")),
    "uuid5": _matches(_uuid("5", "[89ab]")),
    "hexcolor": _matches(_HEX_COLOR),
    "k8s-short-name": _matches(_SHORT_NAME),
    "k8s-long-name": _matches(_LONG_NAME),
}
NUMBER_FORMATS = {"integer": ("int32", "int64"), "number": ("float", "double")}
UNCHECKED = frozenset({"bsonobjectid", "isbn", "isbn10", "isbn13", "creditcard", "ssn", "rgbcolor", "password"})
"""Further formats of texts that Kubernetes knows."""


def unrecognized(schema: Any) -> Iterator[str]:
    """The formats, anywhere in a CRD's schema, that Kubernetes does not know for their type."""
    if isinstance(schema, list):
        for one in schema:
            yield from unrecognized(one)
    if not isinstance(schema, dict):
        return
    kind, form = schema.get("type") or "", schema.get("format") or ""
    texts = {name.replace("-", "") for name in FORMATS} | UNCHECKED
    is_known = form.replace("-", "") in texts if kind in ("", "string") else form in NUMBER_FORMATS.get(kind, ())
    if form and not is_known:
        yield form
    for keyword in ("items", "allOf", "anyOf", "oneOf", "not", "additionalProperties"):
        yield from unrecognized(schema.get(keyword))
    yield from unrecognized(list((schema.get("properties") or {}).values()))
