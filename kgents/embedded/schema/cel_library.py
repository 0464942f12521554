"""The functions that Kubernetes adds to CEL and the runtime lacks, written as its extension functions.

A quantity, an IP address, a CIDR and a URL have no type of their own here: they are maps that carry their canonical
text, so that equality works. Missing: `indexOf` and `lastIndexOf` of lists (the runtime's strings extension owns those
names), the authorizer, semver.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlsplit

import re2

from kgents.embedded.schema.cel import modules

SUFFIXES = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "E": Decimal(10**18),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}
_QUANTITY = re2.compile(r"^([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))(?:([eE][+-]?[0-9]{1,3})|([numkMGTPE]|[KMGTPE]i)?)$")


def extensions() -> list[Any]:
    """The runtime's own extensions that Kubernetes turns on."""
    from cel_expr_python.ext import ext_bindings, ext_optional, ext_strings  # type: ignore[import-untyped]

    return [ext_strings.ExtStrings(), ext_optional.ExtOptional(), ext_bindings.ExtBindings()]


def functions() -> list[Any]:
    """Declarations, with their Python code, of everything below."""
    cel = modules()
    named: dict[str, list[Any]] = {}
    for name, member, result, parameters, code in TABLE:
        types = [_type(parameter) for parameter in parameters]
        overload = cel.Overload(
            "_".join(
                [name, *(parameter.replace("*", "s") for parameter in parameters), "member" if member else "free"]
            ),
            return_type=_type(result),
            parameters=types,
            is_member=member,
            impl=code,
        )
        named.setdefault(name, []).append(overload)
    return [cel.FunctionDecl(name, overloads) for name, overloads in named.items()]


def _type(name: str) -> Any:
    kinds = modules().Type
    if name == "dyn*":
        return kinds.List(kinds.DYN)
    if name == "string*":
        return kinds.List(kinds.STRING)
    return getattr(kinds, name.upper())


def parse_quantity(text: str) -> Decimal:
    """A Kubernetes quantity as an exact number; ValueError for anything else."""
    match = _QUANTITY.match(text)
    if match is None:
        raise ValueError("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
    number = Decimal(match.group(1))
    if match.group(2):
        return number * Decimal(10) ** int(match.group(2)[1:])
    return number * SUFFIXES[match.group(3) or ""]


def _quantity(text: str) -> dict[str, Any]:
    return {"quantity": _text(parse_quantity(text))}


def _text(number: Decimal) -> str:
    return format(number.normalize(), "f")


def _number(value: Any) -> Decimal:
    if isinstance(value, dict) and isinstance(value.get("quantity"), str):
        return Decimal(value["quantity"])
    raise ValueError("no such overload")


def _holds(parse: Callable[[str], Any]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            parse(text)
        except (ValueError, InvalidOperation):
            return False
        return True

    return check


def _compare(one: Any, other: Any) -> int:
    left, right = _number(one), _number(other)
    return (left > right) - (left < right)


def _as_integer(value: Any) -> int:
    number = _number(value)
    if number != int(number) or abs(number) >= 2**63:
        raise ValueError("cannot convert value to integer")
    return int(number)


def _added(one: Any, other: Any, sign: int) -> dict[str, Any]:
    amount = Decimal(other) if isinstance(other, int) else _number(other)
    return {"quantity": _text(_number(one) + sign * amount)}


def _ip(text: str) -> dict[str, Any]:
    address = ipaddress.ip_address(text)
    if "%" in text or (address.version == 6 and getattr(address, "ipv4_mapped", None)):
        raise ValueError(f"IP Address {text!r} is not a plain IPv4 or IPv6 address")
    return {"ip": str(address)}


def _cidr(text: str) -> dict[str, Any]:
    if "/" not in text:
        raise ValueError(f"network address parse error: {text!r} has no prefix length")
    return {"cidr": str(ipaddress.ip_interface(text))}


def _address(value: Any) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    return ipaddress.ip_address(value["ip"] if isinstance(value, dict) else value)


def _network(value: Any) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(value["cidr"] if isinstance(value, dict) else value, strict=False)


def _contains_ip(network: Any, address: Any) -> bool:
    inner, outer = _address(address), _network(network)
    return inner.version == outer.version and inner in outer


def _contains_cidr(one: Any, other: Any) -> bool:
    outer, inner = _network(one), _network(other)
    return outer.version == inner.version and inner.subnet_of(outer)  # type: ignore[arg-type]


def _url(text: str) -> dict[str, Any]:
    parts = urlsplit(text)
    if not (parts.scheme or text.startswith("/")):
        raise ValueError(f"URL parse error during conversion from string: {text!r}: invalid URI for request")
    parts.port  # noqa: B018 - raises ValueError for a bad port
    return {"url": text}


def _url_part(pick: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: pick(urlsplit(value["url"]))


def _find(text: str, pattern: str) -> str:
    match = re2.search(pattern, text)
    return str(match.group(0)) if match else ""


def _find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    found = [str(match.group(0)) for match in re2.finditer(pattern, text)]
    return found if limit < 0 else found[:limit]


def _is_sorted(items: list[Any]) -> bool:
    return all(one <= other for one, other in pairwise(items))


def _sum(items: list[Any]) -> Any:
    return sum(items[1:], items[0]) if items else 0


Row = tuple[str, bool, str, tuple[str, ...], Callable[..., Any]]

TABLE: tuple[Row, ...] = (
    ("isSorted", True, "bool", ("dyn*",), _is_sorted),
    ("sum", True, "dyn", ("dyn*",), _sum),
    ("min", True, "dyn", ("dyn*",), min),
    ("max", True, "dyn", ("dyn*",), max),
    ("find", True, "string", ("string", "string"), _find),
    ("findAll", True, "string*", ("string", "string"), _find_all),
    ("findAll", True, "string*", ("string", "string", "int"), _find_all),
    ("sets.contains", False, "bool", ("dyn*", "dyn*"), lambda a, b: all(item in a for item in b)),
    ("sets.intersects", False, "bool", ("dyn*", "dyn*"), lambda a, b: any(item in a for item in b)),
    (
        "sets.equivalent",
        False,
        "bool",
        ("dyn*", "dyn*"),
        lambda a, b: all(item in a for item in b) and all(item in b for item in a),
    ),
    ("quantity", False, "map", ("string",), _quantity),
    ("isQuantity", False, "bool", ("string",), _holds(parse_quantity)),
    ("isGreaterThan", True, "bool", ("map", "map"), lambda a, b: _compare(a, b) > 0),
    ("isLessThan", True, "bool", ("map", "map"), lambda a, b: _compare(a, b) < 0),
    ("compareTo", True, "int", ("map", "map"), _compare),
    ("asInteger", True, "int", ("map",), _as_integer),
    ("isInteger", True, "bool", ("map",), _holds(_as_integer)),
    ("asApproximateFloat", True, "double", ("map",), lambda value: float(_number(value))),
    ("sign", True, "int", ("map",), lambda value: int(_number(value).compare(Decimal(0)))),
    ("add", True, "map", ("map", "map"), lambda a, b: _added(a, b, 1)),
    ("add", True, "map", ("map", "int"), lambda a, b: _added(a, b, 1)),
    ("sub", True, "map", ("map", "map"), lambda a, b: _added(a, b, -1)),
    ("sub", True, "map", ("map", "int"), lambda a, b: _added(a, b, -1)),
    ("ip", False, "map", ("string",), _ip),
    ("isIP", False, "bool", ("string",), _holds(_ip)),
    ("ip.isCanonical", False, "bool", ("string",), lambda text: _ip(text)["ip"] == text),
    ("family", True, "int", ("map",), lambda value: _address(value).version),
    ("isUnspecified", True, "bool", ("map",), lambda value: _address(value).is_unspecified),
    ("isLoopback", True, "bool", ("map",), lambda value: _address(value).is_loopback),
    ("isLinkLocalMulticast", True, "bool", ("map",), lambda value: _address(value).is_multicast),
    ("isLinkLocalUnicast", True, "bool", ("map",), lambda value: _address(value).is_link_local),
    ("isGlobalUnicast", True, "bool", ("map",), lambda value: not _address(value).is_multicast),
    ("cidr", False, "map", ("string",), _cidr),
    ("isCIDR", False, "bool", ("string",), _holds(_cidr)),
    ("containsIP", True, "bool", ("map", "map"), _contains_ip),
    ("containsIP", True, "bool", ("map", "string"), _contains_ip),
    ("containsCIDR", True, "bool", ("map", "map"), _contains_cidr),
    ("containsCIDR", True, "bool", ("map", "string"), _contains_cidr),
    ("prefixLength", True, "int", ("map",), lambda value: _network(value).prefixlen),
    ("url", False, "map", ("string",), _url),
    ("isURL", False, "bool", ("string",), _holds(_url)),
    ("getScheme", True, "string", ("map",), _url_part(lambda parts: parts.scheme)),
    ("getHost", True, "string", ("map",), _url_part(lambda parts: parts.netloc.rpartition("@")[2])),
    ("getHostname", True, "string", ("map",), _url_part(lambda parts: parts.hostname or "")),
    ("getPort", True, "string", ("map",), _url_part(lambda parts: str(parts.port or ""))),
    ("getEscapedPath", True, "string", ("map",), _url_part(lambda parts: parts.path)),
    ("getQuery", True, "map", ("map",), _url_part(lambda parts: parse_qs(parts.query, keep_blank_values=True))),
)
