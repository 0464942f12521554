"""Expressions of policies and of webhook conditions: what they may name, and how variables get into them.

A policy's variables are evaluated only where they are used, and keep their types: each use is compiled as a lazy
`cel.bind` around the expression.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from kgents.embedded.schema.cel import CelError, Expression, compile_in, modules
from kgents.embedded.schema.cel_text import TOKEN
from kgents.embedded.schema.cel_values import without_nul

if TYPE_CHECKING:
    from kgents.embedded.schema.node import Node

Variables = Sequence[tuple[str, str]]
BASIC = ("object", "oldObject", "request", "namespaceObject", "authorizer")
PREFIX = "variables__"
KINDS = {"NULL": "null_type", "TIMESTAMP": "google.protobuf.Timestamp", "DURATION": "google.protobuf.Duration"}
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
MAX_EXPANDED = 200_000
"""Characters of an expression together with its variables."""
MAX_USES = 1_000
"""How often a variable may get into an expression, by way of other variables: each could double a text."""


@cache
def environment(names: tuple[str, ...]) -> Any:
    """An environment with these variables, the Kubernetes functions and the authorizer."""
    from kgents.embedded.apiserver.policies import authorizer
    from kgents.embedded.schema.cel_library import extensions, functions

    cel = modules()
    kinds = {name: cel.Type.MAP if name == "authorizer" else cel.Type.DYN for name in names}
    return cel.NewEnv(variables=kinds, extensions=extensions(), functions=[*functions(), *authorizer.functions()])


@cache
def checking(names: tuple[str, ...]) -> Any:
    """The same environment, but for checking: it knows what `request` and `namespaceObject` have."""
    return typed(names, {})


def typed(names: tuple[str, ...], nodes: Mapping[str, Node]) -> Any:
    """An environment for checking that also knows the schemas of some variables."""
    from kgents.embedded.apiserver.policies import authorizer, request_types
    from kgents.embedded.schema.cel_library import extensions, functions
    from kgents.embedded.schema.cel_types import Types

    cel, types = modules(), Types()
    kinds = {name: cel.Type.MAP if name == "authorizer" else cel.Type.DYN for name in names}
    kinds.update((name, cel.Type(request_types.type_name(name))) for name in names if request_types.type_name(name))
    kinds.update(types.declare(nodes))
    return cel.NewEnv(
        descriptor_pool=types.pool(request_types.described()),
        variables=kinds,
        extensions=extensions(),
        functions=[*functions(), *authorizer.functions()],
    )


def result_type(source: str, names: tuple[str, ...], variables: Variables = ()) -> str:
    """What kind of value an expression has, as Kubernetes names it (`bool`, `dyn`, `list(int)`). Raises CelError."""
    return _result_type(source, names, tuple(variables))


@lru_cache(maxsize=2048)
def _result_type(source: str, names: tuple[str, ...], variables: tuple[tuple[str, str], ...]) -> str:
    """Remembered: a policy is checked with each write of it, and of its status."""
    found = Expression(source, compile_in(checking(names), expand(source, variables))).result_type
    return KINDS.get(found, found.lower().replace("<", "(").replace(">", ")"))


def activation(names: tuple[str, ...], values: Mapping[str, Any]) -> Any:
    """The values of all variables, converted once for many evaluations."""
    try:
        return environment(names).Activation(without_nul(values))
    except (RuntimeError, TypeError, ValueError) as error:
        raise CelError(f"the object cannot be shown to CEL: {error}") from error


def compile_expression(source: str, names: tuple[str, ...], variables: Variables = ()) -> Expression:
    """Compile `source`; `variables` are (name, expression), in the order of the policy. Raises CelError."""
    return _compiled(source, names, tuple(variables))


@lru_cache(maxsize=2048)
def _compiled(source: str, names: tuple[str, ...], variables: tuple[tuple[str, str], ...]) -> Expression:
    """Remembered: what is checked when a policy is written is used soon after, and again after every other change."""
    whole = expand(source, variables)
    return Expression(source, compile_in(environment(names), whole))


def expand(source: str, variables: Variables) -> str:
    """The expression with its variables bound around it. Raises CelError if one is not declared before its use."""
    if not variables:
        return source
    order = [name for name, _ in variables]
    text, used = replaced(source, order)
    uses = Counter(used)
    for index in reversed(range(len(order))):
        name, body = variables[index]
        if name in uses:
            bound, used = replaced(body, order[:index])
            for one in used:
                uses[one] += uses[name]
            # The line break ends a comment that an expression may end with.
            text = f"cel.bind({PREFIX}{name}, {bound}\n, {text}\n)"
    if any(count > MAX_USES for count in uses.values()):
        raise CelError("variables are used by variables too many times over")
    if len(text) > MAX_EXPANDED:
        raise CelError("the expression is too long together with its variables")
    return text


def replaced(source: str, declared: Iterable[str]) -> tuple[str, list[str]]:
    """The source with `variables.x` as one name, and the variables it names. Raises CelError."""
    known = set(declared)
    tokens = [match for match in TOKEN.finditer(source) if match.lastgroup]
    pieces: list[str] = []
    used: list[str] = []
    end = 0
    for index, token in enumerate(tokens):
        if not _is_variable(tokens, index):
            continue
        name = tokens[index + 2].group()
        if name not in known:
            raise _undefined(source, tokens[index + 1].start(), name)
        used.append(name)
        pieces += [source[end : token.start()], PREFIX + name]
        end = tokens[index + 2].end()
    return "".join([*pieces, source[end:]]), used


def _undefined(source: str, at: int, name: str) -> CelError:
    """Told as the compiler tells it of any other field; `at` is where its dot is."""
    line, start = source.count("\n", 0, at) + 1, source.rfind("\n", 0, at) + 1
    where = f"ERROR: <input>:{line}:{at - start + 1}: undefined field '{name}'"
    shown = source[start:].partition("\n")[0]
    return CelError(f"compilation failed: {where}\n | {shown}\n | {'.' * (at - start)}^")


def _is_variable(tokens: Sequence[re.Match[str]], index: int) -> bool:
    if tokens[index].group() != "variables" or index + 2 >= len(tokens):
        return False
    if index and tokens[index - 1].group() in (".", "?"):
        # A field of that name; after a question mark it may be a branch of a condition.
        before = tokens[index - 2].group() if index > 1 else ""
        if tokens[index - 1].group() == "." or before == ".":
            return False
    return tokens[index + 1].group() == "." and bool(NAME.fullmatch(tokens[index + 2].group()))
