"""Errors in JSON are told as Go tells them."""

from __future__ import annotations

import orjson
import pytest

from kgents.embedded.apiserver.json_errors import END, go_words

CASES = [
    (b"", END),
    (b'{"a"', END),
    (b"{a", "invalid character 'a' looking for beginning of object key string"),
    (b'{"a" 1', "invalid character '1' after object key"),
    (b'{"a":}', "invalid character '}' looking for beginning of value"),
    (b'{"a":1 "b"', "invalid character '\"' after object key:value pair"),
    (b'{"a":1,}', "invalid character '}' looking for beginning of object key string"),
    (b"[1,]", "invalid character ']' looking for beginning of value"),
    (b"[1 2", "invalid character '2' after array element"),
    (b"{} x", "invalid character 'x' after top-level value"),
    (b"nope", "invalid character 'o' in literal null (expecting 'u')"),
    (b'{"a":"\n"}', "invalid character '\\n' in string literal"),
]


@pytest.mark.parametrize(("body", "words"), CASES)
def test_broken_json_is_told_as_go_tells_it(body: bytes, words: str) -> None:
    with pytest.raises(orjson.JSONDecodeError) as caught:
        orjson.loads(body)
    assert go_words(body, caught.value) == words


@pytest.mark.parametrize("body", [b"\xff", b'"\xff"', b"'", b"\x00", b"-", b'{"a":tru}', b'{"a":1,  ', b"\xc3\xa9"])
def test_no_body_is_too_strange_to_be_told_of(body: bytes) -> None:
    with pytest.raises(orjson.JSONDecodeError) as caught:
        orjson.loads(body)
    assert go_words(body, caught.value)
