"""What is wrong with a JSON text, in the words of Go's encoding/json, which clients of Kubernetes get to see."""

from __future__ import annotations

import orjson

END = "unexpected end of JSON input"
AT = {
    "unexpected character, expected a string key": "looking for beginning of object key string",
    "unexpected character, expected ':' after key": "after object key",
    "unexpected character, expected ',' or '}'": "after object key:value pair",
    "unexpected character, expected ',' or ']'": "after array element",
    "unexpected content after document": "after top-level value",
    "unexpected control character in string": "in string literal",
    "invalid escaped sequence in string": "in string escape code",
}
"""What the parser says, and what Go says about the character there."""
LITERALS = ("true", "false", "null")
ESCAPES = {"'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}


def go_words(body: bytes, error: orjson.JSONDecodeError) -> str:
    """The error of `orjson.loads(body)` as Go would tell it."""
    text, at = body.decode(errors="replace"), error.pos
    if not text.strip() or error.msg.startswith("unexpected end") or at >= len(text):
        return END
    if error.msg.startswith("trailing comma"):
        at += 1
        while at < len(text) and text[at].isspace():
            at += 1
        where = AT["unexpected character, expected a string key"] if text[at : at + 1] == "}" else ""
        return _about(text, at, where)
    if error.msg.startswith("invalid literal"):
        return _literal(text, at)
    return _about(text, at, AT.get(error.msg, ""))


def _about(text: str, at: int, where: str) -> str:
    if at >= len(text):
        return END
    char = text[at]
    shown = ESCAPES.get(char) or (char if char.isprintable() else f"\\x{ord(char):02x}")
    return f"invalid character '{shown}' {where or 'looking for beginning of value'}"


def _literal(text: str, at: int) -> str:
    """The first character that does not fit a literal that is begun."""
    for literal in LITERALS:
        if text[at] != literal[0]:
            continue
        for index, expected in enumerate(literal):
            if text[at + index : at + index + 1] != expected:
                return _about(text, at + index, f"in literal {literal} (expecting '{expected}')")
    return _about(text, at, "")
