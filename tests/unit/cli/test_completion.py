"""What a shell is told: commands, options, and agents by name from the ghost."""

from __future__ import annotations

import pytest

from tests.unit.cli.conftest import Cli


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["sta"], ["status"]),
        (["signal", ""], ["emit"]),
        (["daemon", "st"], ["start", "stop", "status"]),
        (["status", "--max"], ["--max-age"]),
        (["status", "-o", "j"], ["json"]),
        (["observe", "--type", "WA"], ["WARNING"]),
        (["completion", "z"], ["zsh"]),
        (["logs", "s"], ["scholar"]),
        (["logs", "-n", "other", ""], ["far"]),
        (["run", "x", "--", "l"], []),
        (["nonsense", "x"], []),
    ],
)
def test_what_may_come_next(remembered: Cli, words: list[str], found: list[str]):
    done = remembered("__complete", *words)
    assert (done.code, done.out.split(), done.err) == (0, found, "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script(kgents: Cli, shell: str):
    assert "kgents __complete" in kgents("completion", shell).out


def test_bash_takes_the_script_and_completes_an_agent(remembered: Cli):
    import subprocess
    import sys

    script = remembered("completion", "bash").out
    ask = f'kgents() {{ "{sys.executable}" -m kgents.cli.main "$@"; }}\n{script}\n'
    ask += 'COMP_WORDS=(kgents pause sch); COMP_CWORD=2; _kgents; echo "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, env=remembered.env)
    assert done.stdout.strip() == "scholar"
