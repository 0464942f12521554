"""Makes a picture of Terrarium over the hive of the present context: `python docs/images/hive.py OUT.svg`.

It is looked at for a minute first, so that there is something to see of its last minutes. For the README: over the
example hive of `make dev`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from font import with_local_font

SIZE = (120, 36)
LOOKS = 75
"""Seconds."""


async def drawn() -> str:
    from kgents.glass import context as contexts
    from kgents.terrarium.app import TerrariumApp
    from kgents.terrarium.keeping import Kept
    from kgents.terrarium.world import GlassWorld

    target = contexts.resolve(None, None)
    app = TerrariumApp(GlassWorld(target, target.namespace), kept=Kept())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause(LOOKS)
        return app.export_screenshot(title="kgents terrarium", simplify=True)


def main() -> None:
    os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
    Path(sys.argv[1]).write_text(with_local_font(asyncio.run(drawn())))


if __name__ == "__main__":
    main()
