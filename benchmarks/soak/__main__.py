"""`python -m benchmarks.soak [--minutes 30] [--seed N] [--folder DIR]`: exit code 0 if the server passed, else 1."""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
from pathlib import Path

from benchmarks.soak.run import Soak, text


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=None, help="who writes what, and when the server is killed")
    parser.add_argument("--folder", type=Path, help="where the server's data goes; kept, to look at afterwards")
    given = parser.parse_args()
    seed = random.randrange(1 << 30) if given.seed is None else given.seed
    print(f"seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="kgents-soak-") as temporary:
        soak = Soak(given.folder or Path(temporary), seed, lambda line: print(line, flush=True))
        report = asyncio.run(soak.run(given.minutes * 60))
    print(text(report))
    return 0 if report.passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
