"""Carries operations out: one request after another, whoever makes them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from kgents.api.errors import KgentsError
from kgents.api.operations.requests import Operation, Request, Row


def carry_out(operation: Operation, send: Callable[[Request], Any]) -> list[Row]:
    """The operation's rows. A KgentsError of `send` is thrown into it, and comes out if it does not handle it."""
    try:
        request = next(operation)
        while True:
            try:
                answer = send(request)
            except KgentsError as error:
                request = operation.throw(error)
            else:
                request = operation.send(answer)
    except StopIteration as done:
        return list(done.value)


async def carry_out_async(operation: Operation, send: Callable[[Request], Awaitable[Any]]) -> list[Row]:
    """As `carry_out`, on an event loop."""
    try:
        request = next(operation)
        while True:
            try:
                answer = await send(request)
            except KgentsError as error:
                request = operation.throw(error)
            else:
                request = operation.send(answer)
    except StopIteration as done:
        return list(done.value)
