"""The console script. It imports the invoked command's module and no other: that is what makes it start fast.

Answers go to stdout, talk to stderr, an error is one line. Exit codes: 0 done · 1 the operation failed · 2 usage ·
3 not found · 4 refused by policy or permission · 5 no layer could answer · 130 interrupted.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

from kgents.api.errors import KgentsError

_GLOBAL_FLAGS = ("--debug", "--no-color")
_GLOBAL_VALUES = {"--cortex": "KGENTS_CORTEX", "--cortex-ca": "KGENTS_CORTEX_CA"}


def main() -> None:
    """Runs the command line and ends the process."""
    gc.disable()  # a command lives for a tenth of a second: collecting would cost more than it frees
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        code = code or 141
    os._exit(code)  # nothing is left to do, and tearing modules down takes a tenth of the whole


def run(arguments: Sequence[str]) -> int:
    """The exit code of one command line."""
    debug = "--debug" in arguments
    try:
        words, debug = _take_global_flags(list(arguments))
        if words[:1] == ["__complete"]:
            from kgents.cli.complete import complete

            return complete(words[1:])
        from kgents.cli.express import express

        code = express(words)
        return _invoke(words) if code is None else code
    except KgentsError as error:
        return _told(str(error), error.exit_code, debug)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _silence_stdout()
        return 141
    except RecursionError as error:
        return _told(f"That is nested too deeply: {error}", 1, debug)
    except UnicodeError as error:  # a word of the command line, a file or stdin
        return _told(f"Not everything that was given is text in UTF-8: {error}", 2, debug)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _told(f"{where}{error.strerror or error}", 1, debug)


def _invoke(words: list[str]) -> int:
    from kgents.cli.root import UsageTrouble, invoke

    try:
        return invoke(words)
    except UsageTrouble as error:
        sys.stderr.write(f"kgents: {error}\n")
        return 2


def _take_global_flags(words: list[str]) -> tuple[list[str], bool]:
    """--debug, --no-color, --cortex and --cortex-ca stand anywhere before a `--`. Raises UsageError."""
    end = words.index("--") if "--" in words else len(words)
    before = _take_global_values(words[:end])
    if "--no-color" in before:
        os.environ["NO_COLOR"] = "1"
    debug = "--debug" in before
    if debug:
        os.environ["KGENTS_DEBUG"] = "1"
    return [word for word in before if word not in _GLOBAL_FLAGS] + words[end:], debug


def _take_global_values(words: list[str]) -> list[str]:
    """Without the options that are passed on by the environment."""
    if not any(word.partition("=")[0] in _GLOBAL_VALUES for word in words):
        return words
    rest, following = [], iter(words)
    for word in following:
        option, given, value = word.partition("=")
        if option not in _GLOBAL_VALUES:
            rest.append(word)
            continue
        value = value if given else next(following, "")
        if not value:
            from kgents.api.errors import UsageError

            raise UsageError(f"{option} takes a value", fix="See kgents --help")
        os.environ[_GLOBAL_VALUES[option]] = value
    return rest


def _told(line: str, code: int, debug: bool) -> int:
    if debug:
        import traceback

        traceback.print_exc()
    sys.stderr.write(f"kgents: {_readable(line)}\n")
    return code


def _readable(line: str) -> str:
    """One line; words that nobody reads to their end are cut, and what Kubernetes says of no field is left out."""
    import re

    cut = re.sub(r"[^\s\"“”]{200,}", lambda word: f"{word[0][:60]}…", " ".join(line.split()))
    return re.sub(r"<nil>: (Invalid value: )?((\"[^\"]*\"|null): )?", "", cut)


def _silence_stdout() -> None:
    # The reader is gone (`kgents status | head`): what is still buffered must not raise again at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


if __name__ == "__main__":
    main()
