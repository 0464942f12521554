"""A connection to a pod's port, as the API's WebSocket carries it.

Each message begins with a byte that says its channel: 0 is what goes to the program and comes from it, 1 is what went
wrong. Each channel begins with the port, two bytes. The protocol has no word for "I send no more": a program on the
other side hears of that only when the whole connection ends.
"""

from __future__ import annotations

import aiohttp

from kgents.api.errors import KgentsError

PROTOCOL = "v4.channel.k8s.io"
_DATA, _ERROR = 0, 1
_PORT_BYTES = 2
_LONGEST_ERROR = 2000


class PortRefused(KgentsError):
    """The pod's side could not connect, or its connection broke."""


class PodPort:
    """One connection. One task may read while another writes."""

    tells_end = False
    """Whether the program hears that this side sends no more."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._head = {_DATA: _PORT_BYTES, _ERROR: _PORT_BYTES}

    async def read(self) -> bytes:
        """What the program sent next; b"" at the end. Raises PortRefused, and ConnectionError when it broke."""
        async for message in self._socket:
            if message.type is not aiohttp.WSMsgType.BINARY:
                raise ConnectionAbortedError(f"what comes is no message of bytes: {message.data}")
            data: bytes = message.data
            if not data or data[0] not in self._head:
                continue
            channel = data[0]
            begun = 1 + self._head[channel]
            self._head[channel] = max(begun - len(data), 0)
            if not (payload := data[begun:]):
                continue
            if channel == _ERROR:
                text = payload[:_LONGEST_ERROR].decode("utf-8", "replace")
                raise PortRefused("the pod refuses the connection", why=text)
            return payload
        return b""

    async def write(self, data: bytes) -> None:
        """Returns once there is room for more. Raises ConnectionError."""
        await self._socket.send_bytes(bytes([_DATA]) + data)

    async def finish(self) -> None:
        """This side sends no more, which cannot be told."""

    async def close(self) -> None:
        await self._socket.close()
