from __future__ import annotations

import pytest

from kgents.embedded.schema.base64_text import canonical
from kgents.embedded.schema.schema import Schema


@pytest.mark.parametrize(("given", "written"), [("aGVs\nbG8=\r\n", "aGVsbG8="), ("", ""), ("YQ==", "YQ==")])
def test_lines_are_joined(given: str, written: str) -> None:
    assert canonical(given) == written


@pytest.mark.parametrize(
    ("text", "place"), [("a", 0), ("YQ", 0), ("YWJjYQ", 4), ("YW!j", 2), ("YQ===", 2), ("é", 0), ("YQ==YQ==", 2)]
)
def test_what_is_no_base64_says_where(text: str, place: int) -> None:
    with pytest.raises(ValueError, match=f"at input byte {place}$"):
        canonical(text)


@pytest.mark.parametrize(("kind", "field"), [("Secret", "data"), ("ConfigMap", "binaryData")])
def test_bytes_are_bytes_in_every_kind(kind: str, field: str) -> None:
    schema = Schema.builtin("", "v1", kind)
    assert schema is not None
    obj = {field: {"a": "YQ\n=="}}
    schema.default(obj)

    assert obj == {field: {"a": "YQ=="}}
    assert schema.decode_error({field: {"a": "?"}}) == "illegal base64 data at input byte 0"
