"""`kgents completion SHELL`: the script that asks kgents what may come next."""

from __future__ import annotations

from typing import Annotated

import typer

from kgents.api.errors import UsageError

_BASH = """_kgents() {
    local IFS=$'\\n'
    COMPREPLY=( $(kgents __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null) )
}
complete -o default -F _kgents kgents
"""
_ZSH = """#compdef kgents
_kgents() {
    local -a found
    found=( ${(f)"$(kgents __complete "${(@)words[2,CURRENT]}" 2>/dev/null)"} )
    if (( ${#found} )); then compadd -a found; else _files; fi
}
compdef _kgents kgents
"""
_FISH = """function __kgents_complete
    set -l words (commandline -opc) (commandline -ct)
    kgents __complete $words[2..-1] 2>/dev/null
end
complete -c kgents -f -a "(__kgents_complete)"
complete -c kgents -n "__fish_seen_subcommand_from apply run" -F
"""
SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def completion(shell: Annotated[str, typer.Argument(help="bash, zsh or fish.")]) -> None:
    """Print the completion script for a shell; agents' names come from the ghost, so they are instant.

    Example: source <(kgents completion bash)
    """
    if shell not in SCRIPTS:
        raise UsageError(f"There is no completion for “{shell[:40]}”", why=f"there is {', '.join(SCRIPTS)}")
    typer.echo(SCRIPTS[shell], nl=False)
