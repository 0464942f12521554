"""The requests that operations make. What a request answers stands beside it; `NotFound` and the like are thrown in."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from kgents.api.kinds import Kind

Object = dict[str, Any]
Row = dict[str, Any]
PatchType = Literal["apply", "merge", "json"]


@dataclass(frozen=True, slots=True)
class Get:
    """→ the object. Raises NotFound."""

    kind: Kind
    name: str
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class List:
    """→ a list of objects; namespace "" is all of them."""

    kind: Kind
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Create:
    """→ the object as it was made."""

    kind: Kind
    obj: Object
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Patch:
    """→ the object as it is then. `type` apply is server-side apply; `dry_run`: as it would be.

    `manager`: the field manager, where it is not the one of who carries this out.
    """

    kind: Kind
    name: str
    content: Any
    namespace: str = ""
    type: PatchType = "merge"
    dry_run: bool = False
    subresource: str = ""
    manager: str = ""


@dataclass(frozen=True, slots=True)
class Delete:
    """→ None."""

    kind: Kind
    name: str
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class WhoAmI:
    """→ the user's name, as the API server knows him."""


@dataclass(frozen=True, slots=True)
class Discover:
    """→ the Kind behind an apiVersion and a kind. Raises NotFound."""

    api_version: str
    kind: str


@dataclass(frozen=True, slots=True)
class Note:
    """→ None. An Event for people to read: what was done stands, whether or not it can be written."""

    event: Object


Request = Get | List | Create | Patch | Delete | Note | WhoAmI | Discover
Operation = Generator[Request, Any, list[Row]]


@dataclass(frozen=True, slots=True)
class Call:
    """One invocation: the names in its path, typed arguments, the namespace ("" for all), and the time."""

    bindings: Mapping[str, str]
    arguments: Mapping[str, Any]
    namespace: str
    now: float
