"""Every sound row that a broken store still holds, found page by page, whatever else of the file is gone.

SQLite gives up at the first page that makes no sense; a row needs only its own page (and those it runs over to), and
its checksum says whether it is whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kgents.embedded.apiserver.store.layout import PAGE, Row, is_sound
from kgents.embedded.apiserver.store.pages import Pages

LEAF = 0x0D
SIZES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
LARGEST_LOCAL = PAGE - 35
SMALLEST_LOCAL = (PAGE - 12) * 32 // 255 - 23
Cell = int | bytes | None


class _Nonsense(Exception):
    """These bytes are no cell of the log."""


def carve(store: Path) -> Iterator[Row]:
    """The rows, in no order; one that was superseded may come as well."""
    pages = Pages(store)
    try:
        for number in pages.numbers():
            yield from _leaf(pages, pages.page(number), 100 if number == 1 else 0)
    finally:
        pages.close()


def _leaf(pages: Pages, page: bytes, start: int) -> Iterator[Row]:
    if len(page) < PAGE or page[start] != LEAF:
        return
    cells = int.from_bytes(page[start + 3 : start + 5], "big")
    for index in range(min(cells, PAGE // 2)):
        at = start + 8 + 2 * index
        try:
            row, crc = _row(pages, page, int.from_bytes(page[at : at + 2], "big"))
        except (_Nonsense, IndexError, UnicodeDecodeError):
            continue
        if is_sound(row, crc):
            yield row


def _row(pages: Pages, page: bytes, at: int) -> tuple[Row, int | None]:
    length, at = _varint(page, at)
    rv, at = _varint(page, at)
    values = _values(_payload(pages, page, at, length))
    if len(values) == 6:
        values.append(None)
    if len(values) != 7:
        raise _Nonsense
    _, resource, namespace, name, deleted, value, crc = values
    if not (isinstance(resource, bytes) and isinstance(namespace, bytes) and isinstance(name, bytes)):
        raise _Nonsense
    if not isinstance(value, bytes) or not isinstance(deleted, int) or isinstance(crc, bytes):
        raise _Nonsense
    return (rv, resource.decode(), namespace.decode(), name.decode(), deleted, value), crc


def _payload(pages: Pages, page: bytes, at: int, length: int) -> bytes:
    if length > pages.bytes:
        raise _Nonsense
    if length <= LARGEST_LOCAL:
        return page[at : at + length]
    local = SMALLEST_LOCAL + (length - SMALLEST_LOCAL) % (PAGE - 4)
    if local > LARGEST_LOCAL:
        local = SMALLEST_LOCAL
    parts = [page[at : at + local]]
    following, missing = int.from_bytes(page[at + local : at + local + 4], "big"), length - local
    while missing > 0:
        more = pages.page(following)
        if len(more) < PAGE:
            raise _Nonsense
        parts.append(more[4 : 4 + missing])
        following, missing = int.from_bytes(more[:4], "big"), missing - (PAGE - 4)
    return b"".join(parts)


def _values(record: bytes) -> list[Cell]:
    size, at = _varint(record, 0)
    kinds = []
    while at < size:
        kind, at = _varint(record, at)
        kinds.append(kind)
        if len(kinds) > 7:
            raise _Nonsense
    values: list[Cell] = []
    for kind in kinds:
        width = SIZES.get(kind, 0) if kind < 12 else (kind - 12) // 2
        part = record[at : at + width]
        if len(part) < width:
            raise _Nonsense
        at += width
        if kind >= 12:
            values.append(part)
        else:
            values.append(int.from_bytes(part, "big", signed=True) if kind in SIZES else {8: 0, 9: 1}.get(kind))
    return values


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index in range(9):
        byte = data[at + index]
        if index == 8:
            return value << 8 | byte, at + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + index + 1
    raise _Nonsense
