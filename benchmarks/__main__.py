"""`python -m benchmarks [NAME …]`: all of them, or those named.

The API server's figures can be taken of any server, so that a real one can be put beside it:

    python -m benchmarks api --kubeconfig FILE
    python -m benchmarks api --server https://127.0.0.1:6443 --token TOKEN --ca FILE
"""

from __future__ import annotations

import importlib
import sys

NAMES = (
    "start",
    "status",
    "fallback",
    "run",
    "api",
    "simulation",
    "gate",
    "proposals",
    "decay",
    "freeze",
    "terrarium",
    "identity",
)


def main() -> None:
    arguments = sys.argv[1:]
    names = [argument for argument in arguments if argument in NAMES] or list(NAMES)
    options = [argument for argument in arguments if argument not in NAMES]
    if any(option in ("-h", "--help") for option in options):
        print(__doc__, f"names: {' '.join(NAMES)}", sep="\n")
        return
    for name in names:
        module = importlib.import_module(f"benchmarks.{name}")
        print(f"\n## {name}: {(module.__doc__ or '').strip().splitlines()[0]}")
        module.main(options)


if __name__ == "__main__":
    main()
