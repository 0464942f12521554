"""What the server says it is."""

from __future__ import annotations

import platform

VERSION = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.0+kgents",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "2026-01-01T00:00:00Z",
    "goVersion": "python" + platform.python_version(),
    "compiler": platform.python_implementation().lower(),
    "platform": f"linux/{ {'x86_64': 'amd64', 'aarch64': 'arm64'}.get(platform.machine(), platform.machine()) }",
}
