"""Makes a picture of what a command shows on a terminal: `python docs/images/picture.py out.svg kgents status`.

The command runs in a pseudo-terminal of its own, in colour, and what it printed is drawn by rich.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import sys
import termios
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

WIDTH, HEIGHT = 96, 30
GROUND, TEXT, LINE, QUIET, BRIGHT = (16, 21, 18), (201, 212, 197), (29, 40, 34), (102, 117, 106), (255, 255, 255)
MOSS, AMBER, EMBER, SKY, LILAC = (143, 191, 111), (227, 179, 77), (226, 112, 74), (111, 179, 201), (169, 143, 208)
COLOURS = [EMBER, MOSS, AMBER, SKY, LILAC, SKY]
THEME = TerminalTheme(GROUND, TEXT, [LINE, *COLOURS, TEXT], [QUIET, *COLOURS, BRIGHT])


def run(command: list[str]) -> str:
    """What `command` prints on a terminal of the picture's size."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", COLUMNS=str(WIDTH), LINES=str(HEIGHT))
        os.execvp(command[0], command)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
    pieces = []
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # Linux tells the end of a pseudo-terminal this way
            break
        if not piece:
            break
        pieces.append(piece)
    os.waitpid(pid, 0)
    return b"".join(pieces).decode().replace("\r\n", "\n")


def main() -> None:
    target, *command = sys.argv[1:]
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere, force_terminal=True, color_system="truecolor")
        console.print(Text("$ " + " ".join(command), style="bold"))
        console.print(Text.from_ansi(run(command)))
        drawn = console.export_svg(title="kgents", theme=THEME)
    # rich would fetch its font from elsewhere; the reader's own monospace font serves as well.
    Path(target).write_text(re.sub(r"\s*@font-face \{.*?\}", "", drawn, flags=re.DOTALL))


if __name__ == "__main__":
    main()
