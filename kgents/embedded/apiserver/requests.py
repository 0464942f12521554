"""What a request asks for, read from its method, path and query."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

Query = dict[str, str]

_METHODS = {"POST": "create", "PUT": "update", "PATCH": "patch"}


@dataclass(slots=True)
class RequestInfo:
    """A parsed request line. `resource` is empty for paths that are no API objects.

    Of what the query says twice the first counts, as in Go; `dry_runs` is all that it says of `dryRun`.
    """

    method: str
    path: str
    query: Query = field(default_factory=dict)
    dry_runs: tuple[str, ...] = ()
    verb: str = ""
    group: str = ""
    version: str = ""
    namespace: str = ""
    resource: str = ""
    name: str = ""
    subresource: str = ""
    old_watch: bool = False

    def flag(self, key: str) -> bool:
        """A boolean of the query. As in Kubernetes, whatever is there and is not 0 or false counts as true."""
        value = self.query.get(key)
        return value is not None and value.lower() not in ("0", "false")


def parse(method: str, target: str) -> RequestInfo:
    """The request's meaning; `target` is the raw path with its query."""
    path, _, query = target.partition("?")
    info = RequestInfo(method, path)
    if query:
        pairs = parse_qsl(query, keep_blank_values=True)
        info.query = dict(reversed(pairs))
        info.dry_runs = tuple(value for key, value in pairs if key == "dryRun")
    parts = path.strip("/").split("/")
    if "%" in path:
        parts = [unquote(part) for part in parts]
    if parts[0] == "api" and len(parts) >= 3:
        info.version, rest = parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) >= 4:
        info.group, info.version, rest = parts[1], parts[2], parts[3:]
    else:
        info.verb = method.lower()
        return info
    _resource(info, rest)
    info.verb = _verb(info)
    return info


def _resource(info: RequestInfo, rest: list[str]) -> None:
    if rest[0] == "watch" and len(rest) > 1:
        # The old way to say `?watch=true`.
        info.query["watch"] = "true"
        info.old_watch, rest = True, rest[1:]
    if rest[0] == "namespaces" and not info.group:
        if len(rest) >= 3 and rest[2] not in ("status", "finalize"):
            info.namespace, rest = rest[1], rest[2:]
        elif len(rest) >= 2:
            info.namespace = rest[1]
    elif rest[0] == "namespaces" and len(rest) >= 3:
        info.namespace, rest = rest[1], rest[2:]
    info.resource = rest[0]
    info.name = rest[1] if len(rest) > 1 else ""
    info.subresource = "/".join(rest[2:])


def _verb(info: RequestInfo) -> str:
    if info.method in ("GET", "HEAD"):
        if info.name and not info.old_watch:
            return "get"
        return "watch" if info.flag("watch") else "list"
    if info.method == "DELETE":
        return "delete" if info.name else "deletecollection"
    return _METHODS.get(info.method, info.method.lower())
