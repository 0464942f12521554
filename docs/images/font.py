"""What both makers of pictures share."""

from __future__ import annotations

import re


def with_local_font(drawn: str) -> str:
    """A picture of Textual's that fetches no font: the reader's own monospace one serves as well."""
    drawn = re.sub(r"\s*@font-face \{.*?\}", "", drawn, flags=re.DOTALL)
    return drawn.replace("Fira Code,", "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas,")
