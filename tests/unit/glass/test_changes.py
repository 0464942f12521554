from __future__ import annotations

import json

from kgents.glass.changes import Event, Known


def row(name: str, **rest: object) -> bytes:
    return json.dumps({"namespace": "d", "name": name, **rest}).encode()


def names(events: list[Event]) -> list[tuple[str, str]]:
    return [(type, json.loads(item)["name"] if item else "") for type, item in events]


def test_another_layer_tells_only_what_differs() -> None:
    known = Known()
    stream = [("ADDED", row("a", phase="Running"), ""), ("ADDED", row("b"), ""), ("SYNCED", b"", "")]
    assert len(list(known.streamed(stream))) == 3

    told = list(known.listed([row("a", phase="Failed"), row("c")]))

    assert names(told) == [("MODIFIED", "a"), ("ADDED", "c"), ("DELETED", "b"), ("SYNCED", "")]


def test_a_stream_that_begins_again_tells_only_what_differs() -> None:
    known = Known()
    list(known.listed([row("a"), row("b")]))
    stream = [("ADDED", row("a"), ""), ("SYNCED", b"", ""), ("DELETED", row("a"), ""), ("RESYNC", b"", "")]

    told = list(known.streamed(stream))

    assert names(told) == [("DELETED", "b"), ("SYNCED", ""), ("DELETED", "a")]


def test_what_moves_by_itself_is_no_change() -> None:
    known = Known()
    list(known.listed([row("a", ageSeconds=1, intensity=0.9, activity=None)]))

    assert names(list(known.listed([row("a", ageSeconds=3, intensity=0.8, activity=0.5)]))) == [("SYNCED", "")]


def test_what_was_told_of_in_a_stream_is_known_afterwards() -> None:
    known = Known()
    list(known.streamed([("SYNCED", b"{}", ""), ("ADDED", row("a"), ""), ("MODIFIED", row("a", phase="Running"), "")]))

    assert names(list(known.listed([row("a", phase="Running")]))) == [("SYNCED", "")]


def test_the_end_of_what_was_never_told_is_no_news():
    known = Known()
    list(known.listed([]))
    stream = [("SYNCED", b"", ""), ("DELETED", b'{"namespace":"a","name":"x"}', "")]
    assert list(known.streamed(stream)) == [("SYNCED", b"")]


def test_a_freeze_is_told_once_whichever_layer_tells_of_it():
    known = Known()
    row = b'{"name":"brakes","frozen":true,"by":"ann","reason":"storm","since":"","paused":[]}'
    notice = b'{"by":"ann","reason":"storm","since":""}'
    assert list(known.streamed([("BRAKES", row, "brakes")])) == [("BRAKES", notice)]
    assert list(known.braked(notice)) == []
    assert list(known.braked(b"null")) == [("BRAKES", b"null")]
