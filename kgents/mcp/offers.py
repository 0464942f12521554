"""What of the path registry is offered over MCP: under which name, at which address, with which arguments.

Reads, to emit a signal and to ask for a change. Whoever decides, and whatever writes directly, is not offered: an
operation is offered only where it is named here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from kgents.api import names, paths
from kgents.api.entries import Argument, Entry
from kgents.api.errors import NotFound, UsageError

SCHEME = "kgents"
PAGE, LARGEST_PAGE = 50, 500
LINES, MOST_LINES = 200, 1000
EVERYWHERE = "*"
_TOOLS = {
    "agents.list": "list_agents",
    "agents.get": "show_agent",
    "agents.witness": "read_log",
    "pheromones.sense": "observe_signals",
    "proposals.list": "list_proposals",
    "proposals.get": "show_proposal",
    "proposals.diff": "diff_proposal",
    "witness.explain": "explain_why",
    "witness.audit": "read_audit",
    "cluster.manifest": "hive_status",
    "pheromones.emit": "emit_signal",
    "proposals.define": "propose_change",
}
_ADDRESSES = {
    "agents.list": "agents",
    "agents.get": "agents/{agent}",
    "pheromones.sense": "pheromones",
    "proposals.list": "proposals",
    "proposals.get": "proposals/{proposal}",
    "cluster.manifest": "cluster/status",
}
_WITHHELD = {"follow", "limit", "source", "tail", "via"}
"""An answer is one and has pages, and who speaks is for the server to say."""
_SCHEMAS: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "number": {"type": "number"},
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "duration": {"type": "string"},
    "object": {"type": "object"},
    "list": {"type": "array"},
    "any": {},
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One question as it was understood. `namespace`: None for the usual one, "" for all."""

    names: dict[str, str]
    arguments: dict[str, Any]
    namespace: str | None
    start: int
    limit: int


@dataclass(frozen=True, slots=True)
class Offer:
    """One operation. `address` is the path of its URI, with names in braces; "" where it is no resource."""

    entry: Entry
    tool: str
    address: str = ""

    @property
    def uri(self) -> str:
        return f"{SCHEME}://{self.address}" if self.address else ""

    @property
    def template(self) -> str:
        """The URI with all that may be given, as RFC 6570 writes it."""
        return (
            f"{self.uri}{{?{','.join(name for name in self.schema()['properties'] if name not in self.entry.names)}}}"
        )

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """Those of the registry that a client may give."""
        return tuple(one for one in self.entry.arguments if one.name not in _WITHHELD)

    @property
    def is_log(self) -> bool:
        """Whether it answers lines, of which the last ones matter."""
        return any(one.name == "tail" for one in self.entry.arguments)

    @property
    def takes_source(self) -> str:
        """The argument in which the connector stands; "" for none."""
        return next((one.name for one in self.entry.arguments if one.name in ("via", "source")), "")

    def schema(self) -> dict[str, Any]:
        """The JSON schema of what a client may give."""
        properties: dict[str, Any] = {
            name: {"type": "string", "description": f"the name of the {name}", "maxLength": 270}
            for name in self.entry.names
        }
        if "name" in properties:
            properties["name"]["description"] = "an agent or a proposal; agent/NAME or proposal/NAME where both fit"
        properties |= {one.name: _schema(one) for one in self.arguments}
        every = f" ({EVERYWHERE} for all of them)" if self._lists else ""
        if self.entry.many or self.entry.names or self.entry.write:
            text = f"the namespace; the usual one if left out{every}"
            properties["namespace"] = {"type": "string", "description": text}
        if self.is_log:
            properties["lines"] = _whole(f"so many of the last lines; {LINES} if left out", MOST_LINES)
        elif self.entry.many:
            properties["limit"] = _whole(f"at most so many; {PAGE} if left out", LARGEST_PAGE)
            properties["cursor"] = {"type": "string", "description": "nextCursor of the page before"}
        required = [*self.entry.names, *(one.name for one in self.arguments if one.required)]
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}

    def understand(self, given: dict[str, Any]) -> Asked:
        """What a client gave, checked. A null counts as left out. Raises UsageError."""
        rest = {key: value for key, value in given.items() if value is not None}
        unknown = sorted(set(rest) - set(self.schema()["properties"]))
        if unknown:
            takes = ", ".join(self.schema()["properties"])
            raise UsageError(f"unknown argument {unknown[0][:60]}", why=f"{self.tool} takes {takes}")
        found = {name: _name(name, rest.pop(name, None)) for name in self.entry.names}
        namespace = self._namespace(rest.pop("namespace", None))
        if self.is_log:
            start, limit = 0, _count("lines", rest.pop("lines", LINES), MOST_LINES)
        else:
            start, limit = _start(rest.pop("cursor", None)), _count("limit", rest.pop("limit", PAGE), LARGEST_PAGE)
        return Asked(found, self.entry.parse(rest), namespace, start, limit)

    @property
    def _lists(self) -> bool:
        return self.entry.many and not self.entry.write and not self.entry.names

    def _namespace(self, given: object) -> str | None:
        if given is None:
            return None
        if given == EVERYWHERE and self._lists:
            return ""
        if not isinstance(given, str) or not names.is_object_name(given):
            raise UsageError(f"“{str(given)[:60]}” is no namespace here")
        return given


OFFERS = tuple(Offer(paths.entry(id), tool, _ADDRESSES.get(id, "")) for id, tool in _TOOLS.items())
_BY_TOOL = {offer.tool: offer for offer in OFFERS}
_BY_ID = {offer.entry.id: offer for offer in OFFERS}


def by_tool(name: str) -> Offer:
    """Raises NotFound."""
    if name not in _BY_TOOL:
        raise NotFound(f"there is no tool “{name[:60]}”", why=f"there are {', '.join(_BY_TOOL)}")
    return _BY_TOOL[name]


def uri_of(id: str, name: str = "") -> str:
    """The URI of an operation's resource, with its name filled in."""
    uri = _BY_ID[id].uri
    return uri[: uri.index("{")] + name if "{" in uri else uri


def by_uri(uri: str) -> tuple[Offer, dict[str, Any]]:
    """The resource of a URI, and what it gives as arguments. Raises NotFound."""
    try:
        parts = urlsplit(uri)
        query = parse_qsl(parts.query, keep_blank_values=True, max_num_fields=50)
    except ValueError as error:
        raise NotFound(f"“{uri[:80]}” is no URI", why=str(error)) from error
    given = [unquote(part) for part in f"{parts.netloc}{parts.path}".split("/")]
    for offer in OFFERS:
        wanted = offer.address.split("/")
        if not offer.address or parts.scheme != SCHEME or len(wanted) != len(given):
            continue
        pairs = list(zip(wanted, given, strict=True))
        if all(one.startswith("{") or one == other for one, other in pairs):
            return offer, _query(offer, query) | {one[1:-1]: other for one, other in pairs if one.startswith("{")}
    there = ", ".join(offer.uri for offer in OFFERS if offer.address)
    raise NotFound(f"there is no resource “{uri[:80]}”", why=f"there are {there}")


def _query(offer: Offer, pairs: list[tuple[str, str]]) -> dict[str, Any]:
    repeated = {one.name for one in offer.arguments if one.repeated}
    given: dict[str, Any] = {}
    for key, value in pairs:
        if key in repeated:
            given.setdefault(key, []).append(value)
        else:
            given[key] = value
    return given


def _schema(argument: Argument) -> dict[str, Any]:
    schema = _SCHEMAS[argument.type]
    if argument.repeated:
        schema = {"type": "array", "items": schema}
    return {**schema, "description": argument.description}


def _whole(description: str, most: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": 1, "maximum": most, "description": description}


def _name(what: str, given: object) -> str:
    if given is None:
        raise UsageError(f"{what} is missing", why=f"say which {what}")
    bare = given.rpartition("/")[2] if isinstance(given, str) and what == "name" else given
    if not isinstance(given, str) or not names.is_object_name(str(bare)) or given.count("/") > 1:
        raise UsageError(f"“{str(given)[:60]}” is no name", why="a name has a–z, 0–9, '-' and '.'")
    return given


def _count(name: str, given: object, most: int) -> int:
    count = Argument(name, "integer", "").parse(given)
    if not 1 <= count <= most:
        raise UsageError(f"{name} must be from 1 to {most}", why=f"got {count}")
    return int(count)


def _start(cursor: object) -> int:
    if cursor is None:
        return 0
    if not isinstance(cursor, str) or not cursor.isascii() or not cursor.isdigit() or len(cursor) > 9:
        raise UsageError("cursor is none", why="it is what nextCursor said on the page before")
    return int(cursor)
