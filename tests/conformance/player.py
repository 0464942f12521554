"""Plays the recorded conversations against a server: requests, watches, and what they must bring."""

from __future__ import annotations

import base64
import http.client
import json
import queue
import re
import secrets
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.conformance.matching import ABSENT, clean, differences, dig, project, tokens
from tests.support.hive import HiveApi
from tests.support.waiting import eventually
from tests.support.webhook import Answer, Webhook, patching

CASES = Path(__file__).parent / "cases"
QUIET = 0.2
FIXTURES: list[str] = []
"""What was made for several cases: it goes when all have been played."""
Step = dict[str, Any]


@dataclass
class Reply:
    """One answer."""

    status: int
    headers: http.client.HTTPMessage
    body: Any

    @property
    def media(self) -> str:
        """The content type, its parameters sorted, without charset."""
        first, *rest = (part.strip() for part in (self.headers.get("Content-Type") or "").split(";"))
        return ";".join([first, *sorted(part for part in rest if not part.startswith("charset"))])


class Client:
    """Requests as the corpus words them."""

    def __init__(self, api: HiveApi) -> None:
        self._address = urlsplit(api.url)
        self._own, self._anonymous = api.ssl_context(), api.ssl_context(anonymous=True)
        self._token = api.token
        self.made: list[str] = []

    def open(self, step: Step, method: str, query: dict[str, str]) -> tuple[Any, http.client.HTTPResponse]:
        """Sends a step's request; the answer's body is still to be read."""
        host, port = str(self._address.hostname), self._address.port
        context = self._anonymous if "token" in step else self._own
        connection = http.client.HTTPSConnection(host, port, context=context, timeout=60)
        headers = {"Accept": step.get("accept", "application/json"), **(step.get("headers") or {})}
        token = step.get("token", self._token)
        if token:
            headers["Authorization"] = f"Bearer {token}"
        body = _body(step)
        if body is not None:
            headers["Content-Type"] = step.get("contentType", headers.get("Content-Type", "application/json"))
        headers = {name: value for name, value in headers.items() if value is not None}
        path = step["path"] + ("?" + urlencode(query) if query else "")
        connection.request(method, path, body, headers)
        return connection, connection.getresponse()

    def request(self, step: Step) -> Reply:
        """One whole exchange."""
        connection, response = self.open(step, step["method"], step.get("query") or {})
        raw = response.read()
        connection.close()
        reply = Reply(response.status, response.headers, _parsed(raw))
        if reply.status == 201 and (path := _made(step, reply.body)):
            self.made.append(path)
        return reply

    def clear(self, paths: list[str]) -> None:
        """Takes away what was made, last things first, whatever finalizers hold it."""
        for path in reversed(paths):
            for method, body in (("DELETE", None), ("PATCH", {"metadata": {"finalizers": None}})):
                step = {"method": method, "path": path, "contentType": "application/merge-patch+json"}
                self.request({**step, "body": body} if body else step)


def _made(step: Step, body: Any) -> str:
    """The path of the object that a request made; "" for reviews, dry runs and the like, which leave nothing."""
    if not isinstance(body, dict) or (step.get("query") or {}).get("dryRun"):
        return ""
    metadata = body.get("metadata") or {}
    if not metadata.get("uid"):
        return ""
    path = str(step["path"])
    return f"{path}/{metadata['name']}" if step["method"] == "POST" else path


def _body(step: Step) -> bytes | None:
    if "rawBase64" in step:
        return base64.b64decode(step["rawBase64"])
    if "rawBody" in step:
        return str(step["rawBody"]).encode()
    return json.dumps(step["body"]).encode() if "body" in step else None


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode(errors="replace")


class Watch:
    """A watch that is read as it comes."""

    def __init__(self, client: Client, step: Step) -> None:
        query = {"watch": "true", **(step.get("query") or {})}
        self._connection, self.response = client.open(step, "GET", query)
        self.ended = threading.Event()
        self._events: queue.Queue[Any] = queue.Queue()
        if self.response.status == 200:
            threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        try:
            for line in self.response:
                self._events.put(json.loads(line))
        except (OSError, ValueError, http.client.HTTPException):
            self._events.put({"type": "BROKEN", "object": {}})
        self.ended.set()

    def take(self, count: int, *, ends: bool, bookmarks: bool) -> list[Any]:
        """So many events, and any more that come right behind them; or all up to the end."""
        if ends:
            self.ended.wait(30)
        events: list[Any] = []
        while True:
            try:
                event = self._events.get(timeout=10 if len(events) < count else QUIET)
            except queue.Empty:
                return events
            if event["type"] != "BOOKMARK" or bookmarks:
                events.append(event)


@dataclass
class Scenario:
    """One conversation in progress."""

    client: Client
    scope: dict[str, Any]
    watches: dict[str, Watch] = field(default_factory=dict)
    hooks: dict[str, Webhook] = field(default_factory=dict)
    directory: Path = field(default_factory=Path)

    def fill(self, value: Any) -> Any:
        """A value with its ${variables} filled in."""
        if isinstance(value, dict):
            return {self.fill(key): self.fill(child) for key, child in value.items()}
        if isinstance(value, list):
            return [self.fill(child) for child in value]
        if not isinstance(value, str):
            return value
        known = self.scope
        filled = re.sub(r"\$\{([\w.]+)\}", lambda match: str(known.get(match[1], match[0])), value)
        return self.fill(filled) if filled != value and "${" in filled else filled

    def play(self, raw: Step) -> None:
        """One step; an AssertionError says what differed."""
        step = self.fill(raw)
        action = {
            "watch-start": self._watch,
            "watch-expect": self._events,
            "watch-stop": lambda _: None,
            "webhook-start": self._hook,
            "webhook-stop": lambda step: self.hooks.pop(step["id"]).stop(),
            "webhook-clear": lambda step: self.hooks[step["id"]].received.clear(),
            "webhook-expect": self._reviews,
        }
        action.get(step.get("do", ""), self._request)(step)

    def _hook(self, step: Step) -> None:
        name = step["id"]
        hook = self.hooks[name] = Webhook(self.directory)
        for path, route in step["routes"].items():
            hook.routes[path] = canned(route.get("response", {"allowed": True}))
            hook.status[path] = route.get("httpStatus", 200)
        self.scope.update({f"{name}.url": hook.url, f"{name}.ca": hook.ca})

    def _reviews(self, step: Step) -> None:
        seen = [review for path, review in self.hooks[step["id"]].received if path == step["path"]]
        seen = seen[-1:] if step.get("take") == "last" else seen
        wanted = step["expect"]["reviews"]
        assert len(seen) == len(wanted), f"{step['name']}: {len(seen)} reviews"
        for want, have in zip(wanted, seen, strict=True):
            self._same_body(step, want, have)

    def _request(self, step: Step) -> None:
        reply = self.client.request(step)
        until = step.get("until")
        if until:
            reply = eventually(lambda: _as_awaited(self.client.request(step), until), timeout=20)
        self._relations(step, reply.body)
        for name, pointer in (step.get("save") or {}).items():
            self.scope[name] = dig(reply.body, pointer)
        self._compare(step, reply)

    def _compare(self, step: Step, reply: Reply) -> None:
        expect = step["expect"]
        assert reply.status == expect["status"], f"{step['name']}: {reply.status}: {str(reply.body)[:500]}"
        if step.get("match") == "status-only":
            return
        if not step.get("anyContentType"):
            assert reply.media == expect.get("contentType", "application/json"), step["name"]
        for name in step.get("checkHeaders") or ():
            wanted = {name: expect["headers"].get(name) or []}
            same(step["name"], wanted, {name: reply.headers.get_all(name) or []}, loose=False, bag=True)
        if step.get("pick") != []:
            self._same_body(step, expect.get("body"), reply.body)

    def _same_body(self, step: Step, want: Any, have: Any) -> None:
        ignored = {name for name in step.get("ignore") or () if not name.startswith("/")}
        if not step.get("managedFields"):
            ignored.add("managedFields")
        have = clean(have, frozenset(ignored))
        for pointer in step.get("ignore") or ():
            forget(have, pointer)
        picks = step.get("pick")
        if picks is not None:
            have = project(have, [tokens(pick) for pick in picks])
        bag = any("[" in pick for pick in picks or ())
        loose = step.get("match") == "subset" and picks is None
        same(step["name"], clean(want, frozenset(ignored)), None if have is ABSENT else have, loose=loose, bag=bag)

    def _relations(self, step: Step, body: Any) -> None:
        for line in step.get("assert") or ():
            pointer, operator, want = line.split(" ", 2)
            have = str(dig(body, pointer))
            holds = {
                "==": lambda have=have, want=want: have == want,
                "!=": lambda have=have, want=want: have != want,
                ">": lambda have=have, want=want: int(have) > int(want),
                ">=": lambda have=have, want=want: int(have) >= int(want),
            }[operator]()
            assert holds, f"{step['name']}: {line}, got {have}"

    def _watch(self, step: Step) -> None:
        watch = self.watches[step["id"]] = Watch(self.client, step)
        expect = step["expect"]
        assert watch.response.status == expect["status"], step["name"]
        if expect["status"] != 200 and step.get("pick") != []:
            self._same_body(step, expect.get("body"), _parsed(watch.response.read()))

    def _events(self, step: Step) -> None:
        watch, expect = self.watches[step["id"]], step["expect"]
        ends, marks = bool(step.get("ends")), bool(step.get("bookmarks"))
        events = watch.take(len(expect["events"]), ends=ends, bookmarks=marks)
        want = expect["events"]
        if step.get("order") == "per-object":
            events, want = sorted(events, key=_object_name), sorted(want, key=_object_name)
        names = [f"{one['type']} {_object_name(one)}" for one in events]
        assert [one["type"] for one in events] == [one["type"] for one in want], f"{step['name']}: {names}"
        if step.get("rvIncreasing"):
            versions = [int(dig(one, "/object/metadata/resourceVersion")) for one in events]
            assert versions == sorted(set(versions)), step["name"]
        for one, other in zip(want, events, strict=True):
            self._same_body(step, one["object"], other["object"])
        for name, pointer in (step.get("save") or {}).items():
            self.scope[name] = dig(events[-1], pointer)
        assert watch.ended.is_set() == expect["ended"], f"{step['name']}: ended {watch.ended.is_set()}"


def forget(value: Any, pointer: str) -> None:
    """Takes out what a pointer like `/spec/a` reaches."""
    *above, last = pointer.strip("/").split("/")
    for part in above:
        value = value.get(part) if isinstance(value, dict) else None
    if pointer.startswith("/") and isinstance(value, dict):
        value.pop(last, None)


def canned(response: dict[str, Any]) -> Answer:
    """An answer of the corpus, its patch encoded."""
    if "patch" not in response:
        return lambda _review: response
    rest = {key: value for key, value in response.items() if key != "patch"}
    return patching(*response["patch"], **rest)


def _object_name(event: dict[str, Any]) -> tuple[bool, str]:
    return event["type"] == "BOOKMARK", str(dig(event, "/object/metadata/name"))


def _as_awaited(reply: Reply, until: dict[str, Any]) -> Reply | None:
    if reply.status != until.get("status", reply.status):
        return None
    return reply if contains(until.get("body", {}), reply.body) else None


def contains(want: Any, have: Any) -> bool:
    """Whether everything wanted is somewhere in what is there."""
    if isinstance(want, dict):
        return isinstance(have, dict) and all(key in have and contains(value, have[key]) for key, value in want.items())
    if isinstance(want, list):
        return isinstance(have, list) and all(any(contains(one, other) for other in have) for one in want)
    return bool(want == have)


def same(name: str, want: Any, have: Any, *, loose: bool, bag: bool) -> None:
    """Fails with every difference."""
    found = list(differences(want, have, loose=loose, bag=bag))
    assert not found, f"{name}: " + "; ".join(found)


def play(case: Path, api: HiveApi, directory: Path) -> None:
    """One whole case, in a namespace of its own."""
    spec = json.loads(case.read_text())
    client = Client(api)
    run = secrets.token_hex(3).translate(str.maketrans("0123456789", "ghijklmnop"))
    scope = {"run": run, "admin": api.user, **(spec.get("vars") or {})}
    for fixture in spec.get("fixtures") or ():
        _fixture(client, fixture)
    FIXTURES.extend(client.made)
    client.made.clear()
    if spec.get("namespace", True):
        scope["ns"] = f"conf-{case.stem.partition('-')[2]}-{run}"
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": scope["ns"]}}
        assert client.request({"method": "POST", "path": "/api/v1/namespaces", "body": body}).status == 201
    scenario = Scenario(client, scope, directory=directory)
    try:
        for step in spec["steps"]:
            scenario.play(step)
    finally:
        for hook in scenario.hooks.values():
            hook.stop()
        client.clear(client.made)


def _fixture(client: Client, name: str) -> None:
    fixture = json.loads((CASES / "fixtures" / f"{name}.json").read_text())
    for one in fixture["objects"]:
        assert client.request({"method": "POST", **one}).status in (201, 409)
    for ready in fixture["ready"]:
        eventually(
            lambda ready=ready: _as_awaited(client.request({"method": "GET", **ready}), {"status": 200, **ready})
        )
