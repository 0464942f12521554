"""What the pages say holds: their commands parse, their links lead somewhere, their exit codes are the real ones."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kgents.api import errors
from kgents.cli.commands import COMMANDS
from kgents.cli.main import _GLOBAL_VALUES
from kgents.cli.root import load

ROOT = Path(__file__).parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")])
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
MEANINGS = {
    "failed": errors.KgentsError,
    "usage": errors.UsageError,
    "not found": errors.NotFound,
    "refused": errors.Refused,
    "nothing could answer": errors.Unreachable,
}


def command_lines(text: str) -> Iterator[str]:
    """Each command of a `$ …` line in a code block, and each inline `kgents …`."""
    for line in re.findall(r"^\$ (.+)$", text, re.MULTILINE) + re.findall(r"`(kgents [^`\n]+)`", text):
        yield from (part.strip() for part in re.split(r"&&|\|(?!\|)", line))


def all_of(program: str) -> list[Any]:
    found = {(page.name, line) for page in PAGES for line in command_lines(page.read_text())}
    return [pytest.param(line, id=f"{name}: {line}") for name, line in sorted(found) if line.startswith(f"{program} ")]


def leaves() -> Iterator[tuple[str, Any]]:
    """Every command that does something, with the words that call it."""
    for name, command in COMMANDS.items():
        loaded = load(command)
        if command.group:
            yield from ((f"{name} {inner}", found) for inner, found in loaded.commands.items())  # type: ignore[union-attr]
        else:
            yield name, loaded


def parse(line: str) -> None:
    """Parses a line as the program would, and runs nothing. Fails for what the program would refuse."""
    words = shlex.split(line.replace("…", ""), comments=True)[1:]
    words = [word for word in words if word != "--debug"]
    while words and words[0] in _GLOBAL_VALUES:
        del words[:2]
        if not words:
            return  # an option is spoken of
    assert words and words[0] in COMMANDS, f"there is no command {words[:1]}"
    command, rest = load(COMMANDS[words[0]]), words[1:]
    if COMMANDS[words[0]].group and rest:
        inner = command.commands  # type: ignore[union-attr]
        assert rest[0] in inner, f"there is no command {words[:2]}"
        command, rest = inner[rest[0]], rest[1:]
    given = [word for word in rest if word.startswith("-") and word != "--"]
    command.make_context("kgents", rest, resilient_parsing=not given and not rest)


@pytest.mark.parametrize("line", all_of("kgents"))
def test_a_command_in_the_pages_is_one_that_works(line: str) -> None:
    parse(line)


@pytest.mark.parametrize("line", all_of("make"))
def test_a_target_in_the_pages_is_in_the_makefile(line: str) -> None:
    assert shlex.split(line, comments=True)[1] in TARGETS


@pytest.mark.parametrize(("words", "command"), [pytest.param(*leaf, id=leaf[0]) for leaf in leaves()])
def test_a_command_has_help_and_its_example_works(words: str, command: Any) -> None:
    assert command.help
    for example in re.findall(r"^Example: (kgents .+)$", command.help, re.MULTILINE):
        for line in command_lines(f"$ {example}"):
            if line.startswith("kgents "):
                parse(line)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text())
    missing = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert missing == []


def test_the_exit_codes_of_the_readme_are_those_of_the_program() -> None:
    said = re.search(r"Exit codes:(.+?)\.\n", (ROOT / "README.md").read_text(), re.DOTALL)
    assert said
    codes = dict(re.findall(r"(\d) ([a-z ]+)", " ".join(said[1].split())))

    assert codes.pop("0") == "done"
    assert {int(code): MEANINGS[word] for code, word in codes.items()} == {
        kind.exit_code: kind for kind in MEANINGS.values()
    }


def test_the_map_names_folders_that_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()

    folders = re.findall(r"^\| `([a-z/]+)` \|", text, re.MULTILINE)
    assert folders and [folder for folder in folders if not (ROOT / folder).is_dir()] == []


def test_the_map_names_modules_that_can_be_started() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()

    for module in re.findall(r"`python -m ([a-z.]+)`", text):
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module
