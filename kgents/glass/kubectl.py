"""The third layer: the user's own kubectl, so that whatever it can reach and log in to, kgents can.

Without the binary, `kgents.glass.direct` speaks to the API itself; both offer the same few calls.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from kgents.api.adopting import pods_selector
from kgents.api.errors import KgentsError, NotFound, Refused
from kgents.api.kinds import AGENT, Kind
from kgents.api.operations.requests import Create, Delete, Discover, Get, List, Note, Patch, Request, WhoAmI
from kgents.glass.answer import NextLayer
from kgents.glass.ending import Ending

READ_PATIENCE = 5.0
"""Seconds that the API has for one request, before an old ghost is the better answer."""
WRITE_PATIENCE = 15.0
FIELD_MANAGER = "kgents"
_WHOLE = "--show-managed-fields"
_BY = (f"--field-manager={FIELD_MANAGER}",)
_STATUS = re.compile(r"^(?:Error from server|error: Error from server) \((\w+)\): (.*)", re.DOTALL)
_PROMPTED = ("error: EOF", "error: error reading input for Password")
"""What comes of kubectl asking for a name and a password: nobody is there who could answer it."""
_INVALID = re.compile(r'The \S+ ".*?" is invalid:')
_SILENT = (
    "unable to connect",
    "connection refused",
    "was refused",
    "i/o timeout",
    "timeout exceeded",
    "deadline exceeded",
    "timed out",
    "tls handshake",
    "no such host",
    "no route to host",
    "network is unreachable",
    "couldn't get current server api group list",
    "eof",
    "serviceunavailable",
    "currently unable to handle the request",
    "invalid configuration",
    "does not exist",
    "x509",
)


class Api(Protocol):
    """What a layer below Cortex can do. Namespace "" is all of them. All raise NextLayer or KgentsError."""

    def send(self, request: Request) -> Any: ...
    def ready(self) -> None: ...
    def logs(
        self, agent: str, namespace: str, *, tail: int | None, follow: bool, ending: Ending | None = None
    ) -> Iterator[str]: ...


class Kubectl:
    """The binary, for one context."""

    def __init__(self, context: str, binary: str = "kubectl", patience: float = READ_PATIENCE) -> None:
        self.context = context
        self.binary = binary
        self.patience = patience

    def send(self, request: Request) -> Any:
        """One request of an operation, as a command."""
        match request:
            case Get(kind, name, namespace):
                return self._json("get", _resource(kind), name, *_in(namespace), "-o", "json", _WHOLE)
            case List(kind, namespace):
                where = ("-n", namespace) if namespace else ("--all-namespaces",)
                return list(self._json("get", _resource(kind), *where, "-o", "json").get("items") or [])
            case Create(kind, obj, namespace):
                return self._json("create", *_in(namespace), *_BY, "-o", "json", "-f", "-", body=obj)
            case Patch():
                return self._patch(request)
            case Delete(kind, name, namespace):
                command = ("delete", _resource(kind), name, *_in(namespace), "--wait=false")
                return self._run(*command, patience=WRITE_PATIENCE)
            case Note(event):
                with contextlib.suppress(NextLayer, KgentsError):  # what was done stands
                    self._json("create", *_in(event["metadata"]["namespace"]), "-o", "json", "-f", "-", body=event)
                return None
            case WhoAmI():
                return str(self._json("auth", "whoami", "-o", "json")["status"]["userInfo"]["username"])
            case Discover(api_version, kind_name):
                return self._discover(api_version, kind_name)

    def _patch(self, request: Patch) -> dict[str, Any]:
        trial = ("--dry-run=server",) if request.dry_run else ()
        part = (f"--subresource={request.subresource}",) if request.subresource else ()
        by = (f"--field-manager={request.manager}",) if request.manager else _BY
        common = (*_in(request.namespace), *by, *trial, *part, "-o", "json")
        if request.type == "apply":
            kind, metadata = request.kind, dict(request.content.get("metadata") or {})
            named = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata | {"name": request.name}}
            flags = ("--server-side", "--force-conflicts", *common, "-f", "-")
            return self._json("apply", *flags, body={**request.content, **named})
        patch = f"--patch={json.dumps(request.content)}"
        return self._json("patch", _resource(request.kind), request.name, f"--type={request.type}", *common, patch)

    def _discover(self, api_version: str, kind: str) -> Kind:
        root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        missing = NotFound(f"the cluster knows no {kind} in {api_version}", fix="Check apiVersion and kind")
        try:
            listed = self._json("get", "--raw", root)
        except NotFound as error:
            raise missing from error
        for found in listed.get("resources") or ():
            if found["kind"] == kind and "/" not in found["name"]:
                return Kind(kind, found["name"], api_version, namespaced=bool(found["namespaced"]))
        raise missing

    def ready(self) -> None:
        self._run("get", "--raw", "/readyz")

    def logs(
        self, agent: str, namespace: str, *, tail: int | None, follow: bool, ending: Ending | None = None
    ) -> Iterator[str]:
        selector = pods_selector(self.send(Get(AGENT, agent, namespace)))
        flags = [f"--selector={selector}", "-n", namespace, "--all-containers", "--ignore-errors"]
        flags += [f"--tail={-1 if tail is None else tail}", "--max-log-requests=50"]
        if not follow:
            yield from self._run("logs", *flags).splitlines()
            return
        command = self._argv(["logs", *flags, "--follow"])
        ending = ending or Ending()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None and process.stderr is not None
            try:
                with ending.cutting(process.terminate):
                    for line in process.stdout:
                        yield line.rstrip("\n")
                if process.wait() != 0 and not ending.ended:
                    raise _failure(process.stderr.read())
            finally:
                process.terminate()

    def _json(self, *arguments: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        patience = self.patience if arguments[0] in ("get", "auth") else WRITE_PATIENCE
        text = self._run(*arguments, body=body, patience=patience)
        try:
            found = json.loads(text)
        except ValueError as error:
            raise NextLayer("what kubectl printed is no JSON") from error
        if not isinstance(found, dict):
            raise NextLayer("what kubectl printed is no object")
        return found

    def _run(self, *arguments: str, body: dict[str, Any] | None = None, patience: float | None = None) -> str:
        patience = patience or self.patience
        command = self._argv([*arguments, f"--request-timeout={patience:g}s"])
        try:
            done = subprocess.run(
                command,
                input=json.dumps(body) if body is not None else None,
                stdin=subprocess.DEVNULL if body is None else None,
                capture_output=True,
                text=True,
                timeout=patience + 1,
            )
        except subprocess.TimeoutExpired as error:
            raise NextLayer(f"no answer within {patience:g} s") from error
        except OSError as error:
            raise NextLayer(f"{self.binary} cannot be run: {error.strerror}") from error
        if done.returncode != 0:
            raise _failure(done.stderr)
        return done.stdout

    def _argv(self, arguments: Sequence[str]) -> Sequence[str]:
        context = ["--context", self.context] if self.context != "in-cluster" else []
        return [self.binary, *context, *arguments]


def find(context: str) -> Api:
    """kubectl where there is one, else the API itself."""
    binary = shutil.which("kubectl")
    if binary is not None:
        return Kubectl(context, binary)
    from kgents.glass.direct import Direct

    return Direct(context)


def _in(namespace: str) -> tuple[str, ...]:
    return ("-n", namespace) if namespace else ()


def _resource(kind: Kind) -> str:
    group = kind.api_version.rpartition("/")[0]
    return f"{kind.plural}.{group}" if group else kind.plural


def _failure(stderr: str) -> Exception:
    """kubectl's complaint, as what it means: the API was silent, or it said no."""
    lines = [line for line in stderr.strip().splitlines() if line.strip()]
    last = lines[-1].strip() if lines else "kubectl failed without a word"
    said = _STATUS.match("\n".join(lines))
    if said:
        reason, message = said[1], said[2].strip()
        if reason == "NotFound":
            return NotFound(message)
        if reason in ("Forbidden", "Unauthorized"):
            return Refused(message, fix="Ask who administers the cluster, or choose another --context")
        if reason not in ("ServiceUnavailable", "Timeout", "TooManyRequests", "InternalError"):
            return KgentsError(message)
        return NextLayer(f"the API server said {reason}: {message}")
    invalid = _INVALID.match("\n".join(lines))
    if invalid:
        return KgentsError("; ".join(line.strip().removeprefix("* ") for line in lines))
    lowered = stderr.lower()
    if last in _PROMPTED:
        return NextLayer("the kubeconfig gives no credentials for this context")
    if "must be logged in" in lowered or "unauthorized" in lowered:
        return Refused("the cluster does not accept these credentials", why=last, fix="Log in again")
    if "the server doesn't have a resource type" in lowered or "no matches for kind" in lowered:
        return NextLayer("the cluster does not know the kinds of kgents")
    if any(sign in lowered for sign in _SILENT):
        return NextLayer(last.removeprefix("Unable to connect to the server: "))
    return KgentsError(last.removeprefix("error: ").removeprefix("Error: "))
