"""Makes the gRPC stubs from cortex.proto. Needs grpcio-tools; the result is committed, so users never run this.

python kgents/wire/generate.py
"""

from __future__ import annotations

import sys
from importlib import resources
from pathlib import Path

HERE = Path(__file__).resolve().parent


def generate() -> int:
    """Write the three generated files beside the proto. Returns protoc's exit code."""
    from grpc_tools import protoc

    root = HERE.parent.parent
    include = str(resources.files("grpc_tools") / "_proto")
    # Compiled from the repository's root, the stubs import each other by their full package name.
    return int(
        protoc.main(
            [
                "protoc",
                f"-I{root}",
                f"-I{include}",
                f"--python_out={root}",
                f"--pyi_out={root}",
                f"--grpc_python_out={root}",
                str(HERE / "cortex.proto"),
            ]
        )
    )


if __name__ == "__main__":
    sys.exit(generate())
