"""Expressions as text: their tokens, and the macros and names that the runtime lacks, spelt with what it has.

The runtime's macro set is fixed and its extensions own names such as `indexOf`. So what Kubernetes offers beyond it is
rewritten before compiling: macros over two variables become macros over one, and taken names get a name of ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from kgents.api.errors import KgentsError

TOKEN = re.compile(
    r"""\s+|//[^\n]*|(?P<text>[bBrR]{0,2}(?:\"{3}(?s:\\.|.)*?\"{3}|'{3}(?s:\\.|.)*?'{3}"""
    r"""|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'))|(?P<name>[A-Za-z_]\w*)"""
    r"""|(?P<number>\d[\w.]*)|(?P<sign>[()\[\]{},.?:]|[^\s\w]+?)"""
)
LOOPS = frozenset({"all", "exists", "exists_one", "existsOne", "map", "filter"})
READERS = frozenset(
    {"contains", "startsWith", "endsWith", "matches", "find", "findAll", "replace", "split", "indexOf", "lastIndexOf"}
    | {"lowerAscii", "upperAscii", "trim", "quote", "format", "join", "substring", "sum", "min", "max", "isSorted"}
)
OURS = "__"
"""Ends the names of functions that stand in for others."""
RENAMED = frozenset({"indexOf", "lastIndexOf", "reverse"})
OPENING, CLOSING = frozenset("([{"), frozenset(")]}")
MAX_MACROS = 50
_NEEDED = re.compile(
    r"\.\s*(?:all|exists|exists_one|existsOne|transformList|transformMap|transformMapEntry|sortBy|validate|first|last"
    r"|indexOf|lastIndexOf|reverse|named)\s*\("
)
_OURS = re.compile(r"\b([A-Za-z]+)__(?=['(])")
_UNDECLARED = re.compile(
    r"ERROR: <input>:(?P<line>\d+):(?P<column>\d+): undeclared reference to '(?P<name>\w+(?:\.\w+)+)'(?P<tail>[^\n]*)\n"
    r" \| (?P<source>[^\n]*)\n \| \.*\^"
)


class TooManyMacros(KgentsError):
    """An expression uses more macros than are expanded."""


Arguments = list[str]
Expansion = Callable[[str, Arguments, str], str]


def expand(source: str) -> str:
    """The expression with what the runtime lacks spelt out; the same text where nothing is to be done."""
    if not _NEEDED.search(source):
        return source
    for count in range(MAX_MACROS):
        changed = _expand_one(source, f"r{count}{OURS}")
        if changed is None:
            return _rename(source)
        source = changed
    raise TooManyMacros(f"the expression uses more than {MAX_MACROS} macros")


def shown(text: str) -> str:
    """A message of the runtime with the names that its author wrote, and where Kubernetes would point."""
    return _UNDECLARED.sub(_first_name, _OURS.sub(r"\1", text))


def _first_name(found: re.Match[str]) -> str:
    """Of an unknown name with fields the runtime shows all, and points at the last one; cel-go only the name."""
    name, column = found["name"], int(found["column"]) - len(found["name"].rpartition(".")[0])
    first = name.partition(".")[0]
    head = f"ERROR: <input>:{found['line']}:{column}: undeclared reference to '{first}'{found['tail']}"
    return f"{head}\n | {found['source']}\n | {'.' * (column - 1)}^"


def _tokens(source: str) -> list[re.Match[str]]:
    return [match for match in TOKEN.finditer(source) if match.lastgroup]


def _rename(source: str) -> str:
    tokens = _tokens(source)
    for at in range(len(tokens) - 2, 0, -1):
        name, after = tokens[at], tokens[at + 1].group()
        if name.group() in RENAMED and after == "(" and tokens[at - 1].group() == ".":
            source = source[: name.end()] + OURS + source[name.end() :]
    return source


def _expand_one(source: str, fresh: str) -> str | None:
    tokens = _tokens(source)
    pairs = _brackets(tokens)
    for at in range(len(tokens) - 2, 1, -1):
        expansions = MACROS.get(tokens[at].group())
        end = pairs.get(at + 1)
        if expansions is None or end is None or tokens[at + 1].group() != "(" or tokens[at - 1].group() != ".":
            continue
        arguments = _arguments(source, tokens, pairs, at + 1)
        expansion = expansions.get(len(arguments))
        start = _receiver(tokens, pairs, at - 1) if expansion is not None else None
        if expansion is not None and start is not None:
            receiver = source[start : tokens[at - 1].start()]
            return source[:start] + expansion(receiver, arguments, fresh) + source[tokens[end].end() :]
    return None


def _brackets(tokens: list[re.Match[str]]) -> dict[int, int]:
    """The place of the other bracket for each that has one."""
    found: dict[int, int] = {}
    waiting: list[int] = []
    for place, token in enumerate(tokens):
        sign = token.group()
        if sign in OPENING:
            waiting.append(place)
        elif sign in CLOSING and waiting:
            found[place] = waiting.pop()
            found[found[place]] = place
    return found


def _arguments(source: str, tokens: list[re.Match[str]], pairs: dict[int, int], opening: int) -> Arguments:
    """The texts between the commas of a call."""
    found: Arguments = []
    start, at = tokens[opening].end(), opening + 1
    while at < pairs[opening]:
        sign = tokens[at].group()
        if sign == ",":
            found.append(source[start : tokens[at].start()].strip())
            start = tokens[at].end()
        at = pairs.get(at, at) + 1 if sign in OPENING else at + 1
    found.append(source[start : tokens[pairs[opening]].start()].strip())
    return [] if found == [""] else found


def _receiver(tokens: list[re.Match[str]], pairs: dict[int, int], dot: int) -> int | None:
    """Where the value begins whose method is called after the dot at `dot`."""
    at = dot - 1
    while at >= 0:
        start = pairs.get(at) if tokens[at].group() in CLOSING else at
        if start is None:
            return None
        before = tokens[start - 1] if start else None
        if before is not None and tokens[at].group() in CLOSING and _applies(tokens[start].group(), before):
            at = start - 1
        elif before is not None and before.group() in (".", "?") and tokens[start].lastgroup == "name":
            at = start - (3 if before.group() == "?" else 2)
        else:
            return tokens[start].start()
    return None


def _applies(opening: str, before: re.Match[str]) -> bool:
    """Whether a bracket belongs to what stands before it: a call, an index."""
    if opening == "(":
        return before.lastgroup == "name"
    return opening == "[" and (before.lastgroup in ("name", "text") or before.group() in CLOSING)


def _bound(variable: str, fresh: str, key: str, body: str) -> str:
    return f"cel.bind({variable}, {fresh}[{key}], {body})"


def _quantifier(name: str) -> Expansion:
    def expansion(receiver: str, given: Arguments, fresh: str) -> str:
        key, variable, test = given
        return f"cel.bind({fresh}, {receiver}, keys__({fresh}).{name}({key}, {_bound(variable, fresh, key, test)}))"

    return expansion


def _transform_list(receiver: str, given: Arguments, fresh: str) -> str:
    key, variable, *test, result = given
    chosen = f"keys__({fresh})" + "".join(f".filter({key}, {_bound(variable, fresh, key, one)})" for one in test)
    return f"cel.bind({fresh}, {receiver}, {chosen}.map({key}, {_bound(variable, fresh, key, result)}))"


def _transform_map(receiver: str, given: Arguments, fresh: str) -> str:
    key, variable, *test, result = given
    chosen = f"keys__({fresh})" + "".join(f".filter({key}, {_bound(variable, fresh, key, one)})" for one in test)
    pairs = f"{chosen}.map({key}, [{key}, {_bound(variable, fresh, key, f'dyn({result})')}])"
    return f"cel.bind({fresh}, {receiver}, pairs__({pairs}))"


def _transform_entry(receiver: str, given: Arguments, fresh: str) -> str:
    return f"merged__({_transform_list(receiver, given, fresh)})"


def _sort_by(receiver: str, given: Arguments, fresh: str) -> str:
    return f"cel.bind({fresh}, {receiver}, sortBy__({fresh}, {fresh}.map({given[0]}, {given[1]})))"


def _validate(receiver: str, given: Arguments, fresh: str) -> str:
    return f"optional.ofNonZeroValue({receiver}.validate__({given[0]}))"


def _named(receiver: str, given: Arguments, fresh: str) -> str:
    if receiver != "format":
        return f"{receiver}.named__({given[0]})"
    return f"optional.ofNonZeroValue(named__({given[0]}))"


def _end(index: str) -> Expansion:
    def expansion(receiver: str, given: Arguments, fresh: str) -> str:
        chosen = f"optional.of({fresh}[{index.format(fresh)}])"
        return f"cel.bind({fresh}, {receiver}, size({fresh}) == 0 ? optional.none() : {chosen})"

    return expansion


MACROS: dict[str, dict[int, Expansion]] = {
    "all": {3: _quantifier("all")},
    "exists": {3: _quantifier("exists")},
    "exists_one": {3: _quantifier("exists_one")},
    "existsOne": {3: _quantifier("exists_one")},
    "transformList": {3: _transform_list, 4: _transform_list},
    "transformMap": {3: _transform_map, 4: _transform_map},
    "transformMapEntry": {3: _transform_entry, 4: _transform_entry},
    "sortBy": {2: _sort_by},
    "validate": {1: _validate},
    "named": {1: _named},
    "first": {0: _end("0")},
    "last": {0: _end("size({0}) - 1")},
}
