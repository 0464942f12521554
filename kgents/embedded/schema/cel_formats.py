"""Named formats in CEL (`format.dns1123Label().validate(text)`): the lists of what is wrong with a text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kgents.embedded.schema.cel_network import is_url
from kgents.embedded.schema.cel_rows import Row
from kgents.embedded.schema.formats import FORMATS
from kgents.embedded.schema.name_forms import LABEL, LABEL_1035, LABEL_VALUE, SUBDOMAIN, Form, label_key_problems

Problems = Callable[[str], list[str]]


def _formed(form: Form, *, prefix: bool = False) -> Problems:
    def check(value: str) -> list[str]:
        tested = f"{value[:-1]}a" if prefix and value.endswith("-") else value
        return form.problems(tested)

    return check


def _known(name: str, text: str) -> Problems:
    return lambda value: [] if FORMATS[name](value) else [text]


FORMAT_CHECKS: dict[str, Problems] = {
    "dns1123Label": _formed(LABEL),
    "dns1123Subdomain": _formed(SUBDOMAIN),
    "dns1035Label": _formed(LABEL_1035),
    "qualifiedName": label_key_problems,
    "dns1123LabelPrefix": _formed(LABEL, prefix=True),
    "dns1123SubdomainPrefix": _formed(SUBDOMAIN, prefix=True),
    "dns1035LabelPrefix": _formed(LABEL_1035, prefix=True),
    "labelValue": _formed(LABEL_VALUE),
    "uri": lambda value: [] if is_url(value) else [f'parse "{value}": invalid URI for request'],
    "uuid": _known("uuid", "does not match the UUID format"),
    "byte": _known("byte", "invalid base64"),
    "date": _known("date", "invalid date"),
    "datetime": _known("date-time", "invalid datetime"),
}


def _named(name: str) -> Any:
    """Empty, which `optional.ofNonZeroValue` takes for none, when there is no such format."""
    return {"format": name} if name in FORMAT_CHECKS else {}


def _validate(form: Any, text: str) -> list[str]:
    check = FORMAT_CHECKS.get(form.get("format", ""))
    if check is None:
        raise ValueError("no such overload")
    return check(text)


def _constant(name: str) -> Callable[[], Any]:
    return lambda: {"format": name}


ROWS: tuple[Row, ...] = (
    *((f"format.{name}", False, "map", (), _constant(name)) for name in FORMAT_CHECKS),
    ("named__", False, "map", ("string",), _named),
    ("validate__", True, "string*", ("map", "string"), _validate),
)
