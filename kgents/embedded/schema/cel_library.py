"""The functions that Kubernetes adds to CEL and the runtime lacks, declared as its extension functions.

A quantity, a version, an IP address, a CIDR, a URL and a format have no type of their own here: they are maps that
carry their canonical form, so that equality works. The authorizer is made where requests are judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import re2

from kgents.embedded.schema import cel_formats, cel_lists, cel_network, cel_quantity, cel_semver
from kgents.embedded.schema.cel import modules
from kgents.embedded.schema.cel_rows import Row

ANYTHING = ("bool", "int", "uint", "double", "string", "bytes", "list", "map", "timestamp", "duration", "null")


def extensions() -> list[Any]:
    """The runtime's own extensions that Kubernetes turns on."""
    from cel_expr_python.ext import ext_bindings, ext_optional, ext_strings  # type: ignore[import-untyped]

    return [ext_strings.ExtStrings(), ext_optional.ExtOptional(), ext_bindings.ExtBindings()]


def functions() -> list[Any]:
    """Declarations, with their Python code, of everything below."""
    cel = modules()
    named: dict[str, list[Any]] = {}
    for name, member, result, parameters, code in _spelt_out():
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


def _spelt_out() -> Iterator[Row]:
    """The table with a row per type where a parameter takes any: the runtime chooses by what a value is."""
    for row in TABLE:
        name, member, result, parameters, code = row
        if "any" not in parameters:
            yield row
        for kind in ANYTHING if "any" in parameters else ():
            yield name, member, result, tuple(kind if one == "any" else one for one in parameters), code


def _type(name: str) -> Any:
    kinds = modules().Type
    if name.endswith("*"):
        return kinds.List(getattr(kinds, name[:-1].upper()))
    return getattr(kinds, name.upper())


def _find(text: str, pattern: str) -> str:
    match = re2.search(pattern, text)
    return str(match.group(0)) if match else ""


def _find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    found = [str(match.group(0)) for match in re2.finditer(pattern, text)]
    return found if limit < 0 else found[:limit]


def _compare(one: Any, other: Any) -> int:
    """Versions and quantities share the names of their comparisons."""
    return cel_semver.compare(one, other) if cel_semver.is_semver(one) else cel_quantity.compare(one, other)


TABLE: tuple[Row, ...] = (
    *cel_lists.ROWS,
    *cel_quantity.ROWS,
    *cel_semver.ROWS,
    *cel_network.ROWS,
    *cel_formats.ROWS,
    ("find", True, "string", ("string", "string"), _find),
    ("findAll", True, "string*", ("string", "string"), _find_all),
    ("findAll", True, "string*", ("string", "string", "int"), _find_all),
    ("isGreaterThan", True, "bool", ("map", "map"), lambda a, b: _compare(a, b) > 0),
    ("isLessThan", True, "bool", ("map", "map"), lambda a, b: _compare(a, b) < 0),
    ("compareTo", True, "int", ("map", "map"), _compare),
)
