from __future__ import annotations

import subprocess
import sys

HEAVY = ("cel_expr_python", "google.protobuf", "kubernetes_validate", "jsonschema", "yaml")


def test_schemas_and_patches_load_without_cel() -> None:
    code = (
        "import sys, kgents.embedded.schema.schema, kgents.embedded.schema.crd, kgents.embedded.schema.openapi, "
        "kgents.embedded.patch.managed, kgents.embedded.patch.strategic; "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"
