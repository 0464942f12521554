"""What an image of ours holds, as a folder: a `python` that finds this checkout's packages, and nothing else of it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def make(folder: Path) -> Path:
    """Fills `folder`. Returns the folder of its programs, for a PATH."""
    programs, packages = folder / "bin", folder / "lib"
    programs.mkdir(parents=True)
    for name in ("kgents", "cortex", "operators"):
        shutil.copytree(ROOT / name, packages / name)
    shutil.copytree(ROOT / "crds", packages / "kgents" / "data" / "crds")
    python = programs / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={packages} PYTHONDONTWRITEBYTECODE=1 exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    return programs
