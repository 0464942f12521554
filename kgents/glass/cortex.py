"""The first layer: the Cortex daemon, over its Unix socket.

A read has half a second for connecting and its first rows together; a daemon that hangs costs that and no more. A
write is only sent once the connection stands, so that passing it to the next layer cannot do it twice.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import kgents
from kgents.api import errors
from kgents.api.errors import KgentsError
from kgents.glass import http2, messages
from kgents.glass.answer import NextLayer, dump
from kgents.glass.ending import Ending
from kgents.glass.guard import Guard
from kgents.infra.home import cortex_socket, cortex_token_file

if TYPE_CHECKING:
    import grpc

PATIENCE = 0.5
"""Seconds for a read: connection and first rows together."""
WRITE_PATIENCE = 15.0
_STREAM_PATIENCE = 30.0
_SERVICE = "/kgents.cortex.v1.Cortex/"
_ERRORS: dict[str, type[KgentsError]] = {
    "NOT_FOUND": errors.NotFound,
    "PERMISSION_DENIED": errors.Refused,
    "UNAUTHENTICATED": errors.Refused,
    "INVALID_ARGUMENT": errors.UsageError,
}
_NOT_HERE = frozenset({"UNAVAILABLE", "UNIMPLEMENTED", "DEADLINE_EXCEEDED", "CANCELLED"})


def channel_options() -> tuple[tuple[str, int | str], ...]:
    """No limit to an answer, no proxy between, and nothing is sent twice."""
    return ("grpc.max_receive_message_length", -1), ("grpc.enable_http_proxy", 0), ("grpc.enable_retries", 0)


class Head(NamedTuple):
    """What stands before the rows of an answer."""

    total: int
    age: float
    frozen: dict[str, str] | None = None


class Outcome(KgentsError):
    """A write was sent and no answer came: whether it happened is not known."""


class Cortex:
    """The daemon of one hive. `key` is that of kgents.infra.home.context_key.

    `down` says why it cannot answer, when that is known already: then nobody waits for it again.
    """

    is_local = True
    """Whether it runs on this machine, and so keeps this disk's ghost."""

    def __init__(self, key: str, patience: float = PATIENCE, down: str = "") -> None:
        self.key = key
        self.patience = patience
        self.down = down

    def read(self, path: str, arguments: dict[str, Any], namespace: str) -> tuple[Head, list[bytes]]:
        """The rows. Raises NextLayer when Cortex cannot answer, KgentsError when it says no."""
        token = self._token()
        message = self._request(path, arguments, namespace)
        address = str(cortex_socket(self.key))
        try:
            return _gathered(http2.call(address, _SERVICE + "Invoke", token, message, self.patience, _STREAM_PATIENCE))
        except TimeoutError as error:
            raise NextLayer(self._silence()) from error
        except OSError as error:
            raise NextLayer(_unconnected(error)) from error
        except http2.Surprise:
            pass  # an error, most likely: grpc can tell which
        with self._channel() as channel:
            call = self._call(channel, "Invoke", token, message, timeout=_STREAM_PATIENCE)
            return self._collect(call)

    def write(self, path: str, arguments: dict[str, Any], namespace: str) -> tuple[Head, list[bytes]]:
        """As `read`, for what changes something. Raises Outcome when it was sent and nothing came back."""
        import grpc

        token = self._ready()
        with self._channel() as channel:
            self._await_connection(channel)
            message = self._request(path, arguments, namespace)
            call = self._call(channel, "Invoke", token, message, timeout=WRITE_PATIENCE)
            try:
                return self._collect(call)
            except NextLayer as error:
                failure = error.__cause__
                if isinstance(failure, grpc.RpcError) and _said_so(failure):
                    raise
                raise Outcome("It is not known whether that was done", why=str(error)) from error

    def watch(
        self,
        path: str,
        arguments: dict[str, Any],
        namespace: str,
        silence: float | None = None,
        ending: Ending | None = None,
    ) -> Iterator[tuple[str, bytes, str]]:
        """(type, item, resource) as changes happen. Ends with the daemon's stream, and `ending`; raises as `read` does.

        `silence`: seconds without a word after which the daemon is given up, where it promises to speak more often.
        """
        import grpc

        ending = ending or Ending()
        token = self._ready()
        with self._channel() as channel:
            self._await_connection(channel)
            message = self._request(path, arguments, namespace)
            call = self._call(channel, "Watch", token, message, timeout=None)
            guard = Guard(call.cancel, silence)
            try:
                with ending.cutting(call.cancel):
                    for message in guard.watching(call):
                        yield messages.event(message)
            except grpc.RpcError as error:
                if ending.ended:
                    return
                if guard.gave_up:
                    raise NextLayer(f"it has said nothing for {silence:g} s") from error
                raise _translated(error) from error
            except ValueError as error:
                raise NextLayer("what it says cannot be read; is it of another version?") from error
            finally:
                guard.end()
                call.cancel()

    def _token(self) -> str:
        if self.down:
            raise NextLayer(self.down)
        try:
            return cortex_token_file(self.key).read_text().strip()
        except OSError as error:
            raise NextLayer(_unconnected(error)) from error

    def _ready(self) -> str:
        """The token, once somebody listens. Cheap: without a daemon, grpc is never imported."""
        token = self._token()
        try:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(self.patience)
                probe.connect(str(cortex_socket(self.key)))
        except OSError as error:
            raise NextLayer(_unconnected(error)) from error
        return token

    def _silence(self) -> str:
        return f"no answer within {self.patience * 1000:.0f} ms"

    def _request(self, path: str, arguments: dict[str, Any], namespace: str) -> bytes:
        return messages.request(path, dump(arguments) if arguments else b"", namespace, kgents.__version__)

    def _channel(self) -> grpc.Channel:
        import grpc

        return grpc.insecure_channel(f"unix:{cortex_socket(self.key)}", options=channel_options())

    def _await_connection(self, channel: grpc.Channel) -> None:
        import grpc

        try:
            grpc.channel_ready_future(channel).result(timeout=self.patience)
        except grpc.FutureTimeoutError as error:
            raise NextLayer(self._silence()) from error

    def _call(self, channel: grpc.Channel, method: str, token: str, message: bytes, *, timeout: float | None) -> Any:
        send = channel.unary_stream(_SERVICE + method, None, None)  # no serialisers: bytes in, bytes out
        return send(message, timeout=timeout, metadata=(("authorization", f"Bearer {token}"),))

    def _collect(self, call: Iterable[bytes]) -> tuple[Head, list[bytes]]:
        import grpc

        try:
            return _gathered(list(call))
        except grpc.RpcError as error:
            raise _translated(error) from error


def _gathered(received: list[bytes]) -> tuple[Head, list[bytes]]:
    head, items = b"", []
    try:
        for message in received:
            first, rows = messages.reply(message)
            head = head or first
            items += rows
        said = json.loads(head) if head else {}
        frozen = said.get("frozen")
        age = float(said.get("ageSeconds", 0.0))
        return Head(int(said.get("total", len(items))), age, frozen if isinstance(frozen, dict) else None), items
    except (ValueError, TypeError, AttributeError) as error:
        raise NextLayer("its answer cannot be read; is it of another version?") from error


def _unconnected(error: OSError) -> str:
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return "it does not run"
    if isinstance(error, ConnectionRefusedError):
        return "it does not run; a stale socket is left"
    return f"its socket does not answer: {error.strerror or error}"


def _code(error: Any) -> str:
    return str(error.code().name)


def _parts(error: Any) -> dict[str, str]:
    try:
        said = json.loads(error.details() or "")
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _said_so(error: Any) -> bool:
    """Whether the daemon itself answered, rather than the connection breaking under it."""
    return bool(_parts(error)) or _code(error) == "UNIMPLEMENTED"


def _translated(error: Any) -> Exception:
    code, parts = _code(error), _parts(error)
    ended = "it has ended" if code == "CANCELLED" else ""
    what = parts.get("what") or ended or error.details() or code.replace("_", " ").lower()
    if code in _NOT_HERE:
        return NextLayer(f"{what}: {parts['why']}" if parts.get("why") else str(what))
    return _ERRORS.get(code, KgentsError)(str(what), why=parts.get("why", ""), fix=parts.get("fix", ""))
