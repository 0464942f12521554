"""Selectors: which rows are meant, in the few words that a person types. The same wherever rows are filtered.

    word  "two words"          some text of the row contains it, upper or lower case alike
    !word                      none does
    key=value  key!=value      equal, upper or lower case alike; key=a|b for one of several
    key in (a,b)  key notin (a,b)
    key>0.5  >=  <  <=         numbers; durations such as 5m for times, and percent: activity>=50%
    key~regex                  some text of that key matches (RE2)

Terms are separated by spaces or commas, and all must hold. What a row does not know is equal to nothing, and neither
greater nor less.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from kgents.api import duration
from kgents.api.errors import UsageError

Row = Mapping[str, Any]
Test = Callable[[Row], bool]

SHORT: Final[dict[str, tuple[str, ...]]] = {
    "ns": ("namespace",),
    "health": ("cognitiveHealth",),
    "age": ("ageSeconds",),
    "who": ("name", "source", "proposer"),
    "mind": ("cognitiveHealth",),
    "strength": ("intensity",),
}
"""Short names, and the keys of rows that they stand for: any of them will do."""
LONGEST: Final = 1000
FOLDED: Final = "_folded"
"""Under this key a row may bring what `folded` makes of it: who asks ten thousand with each letter does not wait."""
_BETWEEN = "\x1e"
"""Stands between the texts of a row; nobody can type it."""
_TERM = re.compile(
    r"""\s*,?\s*(?:
        (?P<set>[\w.-]+)\s+(?P<in>in|notin)\s*\((?P<members>[^()]*)\)
      | (?P<key>[\w.-]+)(?P<sign>!=|>=|<=|=|>|<|~)(?P<value>"[^"]*"|[^\s,]*)
      | (?P<not>!?)(?P<word>"[^"]*"|[^\s,"][^\s,]*)
    )(?=[\s,]|$)""",
    re.VERBOSE | re.IGNORECASE,
)
_REGEX = re.compile(r'\s*,?\s*([\w.-]+)~("[^"]*"|\S*)(?=\s|$)')
_ORDER: Final[dict[str, Callable[[float, float], bool]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


class Selector:
    """What `parse` made of `text`. False when it selects everything."""

    __slots__ = ("_tests", "text")

    def __init__(self, text: str, tests: tuple[Test, ...]) -> None:
        self.text = text
        self._tests = tests

    def __bool__(self) -> bool:
        return bool(self._tests)

    def __repr__(self) -> str:
        return f"Selector({self.text!r})"

    def matches(self, row: Row) -> bool:
        """Whether every term holds for this row."""
        for test in self._tests:  # noqa: SIM110 - all() takes twice as long, of ten thousand rows with each letter
            if not test(row):
                return False
        return True


def parse(text: str) -> Selector:
    """The selector that is written there. Raises UsageError, which says what cannot be read and how it is written."""
    if len(text) > LONGEST:
        raise UsageError("That filter is too long", why=f"it has {len(text)} characters, and {LONGEST} is the most")
    return Selector(text.strip(), tuple(_tests(text)))


def folded(row: Row) -> str:
    """The texts of a row in which a word is sought: its own, and those of its lists and maps, in lower case."""
    values = row.values()
    texts = [value for value in values if type(value) is str]
    texts += [one for value in values if value and type(value) in (list, dict) for one in _texts(value)]
    return _BETWEEN.join(texts).casefold()


def _tests(text: str) -> Iterable[Test]:
    place, end = 0, len(text.rstrip(" \t\r\n,"))
    while place < end:
        regex = _REGEX.match(text, place, end)  # first: commas are the expression's own
        if regex is not None:
            yield _matching(regex[1], _bare(regex[2]))
            place = regex.end()
            continue
        term = _TERM.match(text, place, end)
        if term is None:
            rest = text[place:end].strip(" ,")
            raise UsageError(
                f"“{rest[:60]}” cannot be read as a filter",
                why='a " is not closed' if rest.count('"') % 2 else "it is no word and no key=value",
                fix="Write it like: phase=Running activity>0.5 !test",
            )
        yield _test(term)
        place = term.end()


def _test(term: re.Match[str]) -> Test:
    if term["set"]:
        members = [_bare(one) for one in re.split(r"[,|]", term["members"]) if one.strip()]
        return _one_of(term["set"], members, wanted=term["in"].lower() == "in")
    if not term["key"]:
        return _containing(_bare(term["word"]), wanted=not term["not"])
    key, sign, value = term["key"], term["sign"], term["value"]
    if sign in _ORDER:
        return _ordered(key, sign, _bare(value))
    quoted = value.startswith('"')
    return _one_of(key, [_bare(value)] if quoted else value.split("|"), wanted=sign == "=")


def _containing(word: str, *, wanted: bool) -> Test:
    sought = word.casefold()

    def test(row: Row) -> bool:
        text = row.get(FOLDED)
        return (sought in (folded(row) if text is None else text)) is wanted

    return test


def _one_of(key: str, values: Iterable[str], *, wanted: bool) -> Test:
    sought = {value.strip().casefold() for value in values}
    keys = _keys(key)
    return lambda row: any(not sought.isdisjoint(_told(row.get(name))) for name in keys) is wanted


def _ordered(key: str, sign: str, text: str) -> Test:
    compare, bound, keys = _ORDER[sign], _number(key, sign, text), _keys(key)

    def test(row: Row) -> bool:
        for name in keys:
            value = row.get(name)
            if isinstance(value, (int, float)) and not isinstance(value, bool) and compare(value, bound):
                return True
        return False

    return test


def _matching(key: str, pattern: str) -> Test:
    import re2  # late: most filters have none

    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = False
    try:
        wanted = re2.compile(pattern, options)
    except re2.error as error:
        why = error.args[0] if error.args else ""
        raise UsageError(
            f"“{pattern[:60]}” is no regular expression",
            why=why.decode(errors="replace") if isinstance(why, bytes) else str(why),
            fix="Write it like: payload~^ERR",
        ) from error
    keys = _keys(key)
    return lambda row: any(wanted.search(one) is not None for name in keys for one in _texts(row.get(name)))


def _keys(key: str) -> tuple[str, ...]:
    return SHORT.get(key.lower(), (key,))


def _told(value: Any) -> set[str]:
    """What equals a value, as it is written: 2 and 2.0 alike, and what is not known as nothing."""
    return set(_folded(value)) or {""}


def _folded(value: Any) -> Iterable[str]:
    return (text.casefold() for text in _texts(value))


def _texts(value: Any) -> Iterable[str]:
    """A value as texts: its own, or those of its parts."""
    if value is None:
        return
    if isinstance(value, bool):
        yield "true" if value else "false"
    elif isinstance(value, float):
        yield f"{value:g}"
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _texts(one)
    else:
        yield str(value)


def _number(key: str, sign: str, text: str) -> float:
    """A number, a share in percent, or a duration's seconds. Raises UsageError for what is none."""
    try:
        number = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        try:
            return duration.parse(text)
        except UsageError as error:
            raise UsageError(
                f"“{text[:40]}” is no number to compare with",
                why=f"after {key}{sign} comes a number, a percentage or a duration",
                fix=f"Write it like {key}{sign}{'5m' if 'age' in key.lower() else '0.5'}",
            ) from error
    if math.isnan(number):
        raise UsageError(f"nothing is {sign} than what is no number", fix=f"Write it like {key}{sign}0.5")
    return number


def _bare(text: str) -> str:
    return text.strip().strip('"')
