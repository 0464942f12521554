"""Addresses, networks and URLs in CEL: maps that carry their canonical text."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kgents.embedded.schema.cel_rows import Row, holds


def _plain(address: ipaddress.IPv4Address | ipaddress.IPv6Address, text: str) -> None:
    if "%" in text:
        raise ValueError(f'IP address "{text}" with zone value is not allowed')
    if address.version == 6 and address.ipv4_mapped is not None:
        raise ValueError(f'IPv4-mapped IPv6 address "{text}" is not allowed')


def _ip(text: str) -> dict[str, Any]:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise ValueError(f'IP Address "{text}" parse error during conversion from string') from None
    _plain(address, text)
    return {"ip": str(address)}


def _cidr(text: str) -> dict[str, Any]:
    _, slash, length = text.partition("/")
    try:
        interface = ipaddress.ip_interface(text)
    except ValueError:
        slash = ""
    if not slash or not length.isdigit() or (len(length) > 1 and length[0] == "0"):
        raise ValueError(f'network address parse error during conversion from string: "{text}"')
    _plain(interface.ip, text)
    return {"cidr": str(interface)}


def _address(value: Any) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    return ipaddress.ip_address(value["ip"] if isinstance(value, dict) else _ip(value)["ip"])


def _network(value: Any) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(value["cidr"] if isinstance(value, dict) else _cidr(value)["cidr"], strict=False)


def _contains_ip(network: Any, address: Any) -> bool:
    inner, outer = _address(address), _network(network)
    return inner.version == outer.version and inner in outer


def _contains_cidr(one: Any, other: Any) -> bool:
    outer, inner = _network(one), _network(other)
    return outer.version == inner.version and inner.subnet_of(outer)  # type: ignore[arg-type]


def _is_link_local_multicast(value: Any) -> bool:
    address = _address(value)
    if address.version == 4:
        return address in ipaddress.ip_network("224.0.0.0/24")
    return address.is_multicast and address.packed[1] & 0x0F == 2


def _is_global_unicast(value: Any) -> bool:
    """As Go has it: everything that is none of the special kinds, private addresses included."""
    address = _address(value)
    if address.version == 4 and str(address) == "255.255.255.255":
        return False
    return not (address.is_unspecified or address.is_loopback or address.is_multicast or _is_link_local(value))


def _is_link_local(value: Any) -> bool:
    address = _address(value)
    return address in ipaddress.ip_network("169.254.0.0/16" if address.version == 4 else "fe80::/10")


def _url(text: str) -> dict[str, Any]:
    parts = urlsplit(text)
    if not (parts.scheme or text.startswith("/")) or any(ord(sign) < 32 or ord(sign) == 127 for sign in text):
        raise ValueError(f"URL parse error during conversion from string: parse {text!r}: invalid URI for request")
    parts.port  # noqa: B018 - raises ValueError for a bad port
    return {"url": text}


def is_url(text: str) -> bool:
    """Whether Go's ParseRequestURI takes a text."""
    return holds(_url)(text)


def _url_part(pick: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: pick(urlsplit(value["url"]))


ROWS: tuple[Row, ...] = (
    ("ip", False, "map", ("string",), _ip),
    ("ip", True, "map", ("map",), lambda value: {"ip": value["cidr"].partition("/")[0]}),
    ("isIP", False, "bool", ("string",), holds(_ip)),
    ("ip.isCanonical", False, "bool", ("string",), lambda text: _ip(text)["ip"] == text),
    ("family", True, "int", ("map",), lambda value: _address(value).version),
    ("isUnspecified", True, "bool", ("map",), lambda value: _address(value).is_unspecified),
    ("isLoopback", True, "bool", ("map",), lambda value: _address(value).is_loopback),
    ("isLinkLocalMulticast", True, "bool", ("map",), _is_link_local_multicast),
    ("isLinkLocalUnicast", True, "bool", ("map",), _is_link_local),
    ("isGlobalUnicast", True, "bool", ("map",), _is_global_unicast),
    ("cidr", False, "map", ("string",), _cidr),
    ("isCIDR", False, "bool", ("string",), holds(_cidr)),
    ("containsIP", True, "bool", ("map", "map"), _contains_ip),
    ("containsIP", True, "bool", ("map", "string"), _contains_ip),
    ("containsCIDR", True, "bool", ("map", "map"), _contains_cidr),
    ("containsCIDR", True, "bool", ("map", "string"), _contains_cidr),
    ("masked", True, "map", ("map",), lambda value: {"cidr": str(_network(value))}),
    ("prefixLength", True, "int", ("map",), lambda value: _network(value).prefixlen),
    ("url", False, "map", ("string",), _url),
    ("isURL", False, "bool", ("string",), is_url),
    ("getScheme", True, "string", ("map",), _url_part(lambda parts: parts.scheme)),
    ("getHost", True, "string", ("map",), _url_part(lambda parts: parts.netloc.rpartition("@")[2])),
    ("getHostname", True, "string", ("map",), _url_part(lambda parts: parts.hostname or "")),
    ("getPort", True, "string", ("map",), _url_part(lambda parts: "" if parts.port is None else str(parts.port))),
    ("getEscapedPath", True, "string", ("map",), _url_part(lambda parts: parts.path)),
    ("getQuery", True, "map", ("map",), _url_part(lambda parts: parse_qs(parts.query, keep_blank_values=True))),
)
