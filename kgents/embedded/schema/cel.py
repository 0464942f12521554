"""CEL expressions, compiled once and evaluated many times on the CEL project's own runtime.

The runtime is imported at the first compile. It stops by itself after ten thousand iterations; what it cannot bound,
string work and the number of evaluations, is bounded by `cost` and by whoever evaluates in a loop.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from kgents.api.errors import KgentsError
from kgents.embedded.schema.cel_text import TooManyMacros, expand, shown
from kgents.embedded.schema.cel_tree import Tree, read_tree
from kgents.embedded.schema.cel_values import without_nul

if TYPE_CHECKING:
    from cel_expr_python import cel as runtime  # type: ignore[import-untyped]

MAX_SOURCE = 100_000
_STATUS = re.compile(r"^[A-Z_]+: ")
_CODE_TAIL = re.compile(r" \[[A-Z_]+\]\s*$")
_IN_STRUCT = re.compile(r" not found in struct '[^']*'")
_NO_KEY = re.compile(r'Key not found in map : "?(.*?)"?$')
_NO_INDEX = re.compile(r"Index error: index=(-?\d+) size=\d+")
_BUDGET = "Iteration budget exceeded"

TYPE_NAMES = {
    "dyn": "DYN",
    "bool": "BOOL",
    "int": "INT",
    "uint": "UINT",
    "double": "DOUBLE",
    "string": "STRING",
    "bytes": "BYTES",
    "list": "LIST",
    "map": "MAP",
    "timestamp": "TIMESTAMP",
    "duration": "DURATION",
}

_lock = threading.Lock()


class CelError(KgentsError):
    """An expression does not compile, or failed on these values. `what` is the reason in one text."""


class OverBudget(CelError):
    """An evaluation was stopped because it did too much."""


@cache
def modules() -> Any:
    """The runtime module, imported when first needed: it costs some megabytes."""
    from cel_expr_python import cel as runtime

    return runtime


@cache
def environment(variables: tuple[tuple[str, str], ...]) -> runtime.Env:
    """An environment with these variables (name, type name) and the functions that Kubernetes offers."""
    from kgents.embedded.schema.cel_library import extensions, functions

    cel = modules()
    declared = {name: getattr(cel.Type, TYPE_NAMES.get(kind, "DYN")) for name, kind in variables}
    env: runtime.Env = cel.NewEnv(variables=declared, extensions=extensions(), functions=functions())
    return env


class Expression:
    """A compiled expression. Evaluation is safe from any thread."""

    __slots__ = ("_compiled", "_tree", "result_type", "source")

    def __init__(self, source: str, compiled: runtime.Expression) -> None:
        self.source = source
        self._compiled = compiled
        self._tree: Tree | None = None
        self.result_type = str(compiled.return_type().name())

    def tree(self) -> Tree:
        """What the source was compiled to, for estimates of its cost. CelError when it is nested too deeply."""
        if self._tree is None:
            try:
                self._tree = read_tree(self._compiled.serialize())
            except RecursionError as error:
                raise CelError("compilation failed: the expression is nested too deeply") from error
        return self._tree

    def evaluate(self, variables: Mapping[str, Any] | runtime.Activation) -> Any:
        """The result as a plain Python value. CelError when the evaluation fails, OverBudget when it is stopped.

        An activation is values converted once, for many evaluations in the same environment.
        """
        try:
            if isinstance(variables, Mapping):
                value = self._compiled.eval(data=without_nul(variables))
            else:
                value = self._compiled.eval(variables)
            result = value.plain_value()
        except (RuntimeError, TypeError, ValueError) as error:
            raise _failure(str(error)) from error
        if value.type() == modules().Type.ERROR:
            raise _failure(str(result))
        return result


def compile_expression(source: str, variables: Mapping[str, str]) -> Expression:
    """Compile `source`; `variables` maps names to `dyn`, `string`, `bool`, `int`, `map` and so on. Raises CelError."""
    return Expression(source, compile_in(environment(tuple(sorted(variables.items()))), source))


def compile_in(env: runtime.Env, source: str) -> runtime.Expression:
    """Compile in a given environment; CelError carries Kubernetes' wording."""
    if len(source) > MAX_SOURCE:
        raise CelError(f"expression is longer than {MAX_SOURCE} characters")
    try:
        expanded = expand(source)
    except TooManyMacros as error:
        raise CelError(f"compilation failed: {error.what}") from error
    with _lock:
        try:
            return env.compile(expanded)
        except (RuntimeError, TypeError, ValueError) as error:
            raise CelError(f"compilation failed: {_clean(str(error))}") from error


def _clean(text: str) -> str:
    return shown(_IN_STRUCT.sub("", _CODE_TAIL.sub("", _STATUS.sub("", text))))


def _failure(text: str) -> CelError:
    if _BUDGET in text:
        return OverBudget("operation cancelled: actual cost limit exceeded")
    missing = _NO_KEY.search(text)
    if missing:
        return CelError(f"no such key: {missing.group(1)}")
    beyond = _NO_INDEX.search(text)
    if beyond:
        return CelError(f"index out of bounds: {beyond.group(1)}")
    return CelError(_clean(text).replace("No matching overloads found", "no such overload"))
