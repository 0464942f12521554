"""What the panes of the main screen share: a filter, a sort, and a border that says both."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text

from kgents.api.selecting import Selector
from kgents.terrarium.widgets.rows import Rows

if TYPE_CHECKING:
    from kgents.terrarium.app import TerrariumApp


class Pane(Rows):
    """A titled list over the hive."""

    TITLE: ClassVar[str] = ""
    SORTS: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, classes="pane")
        self.sort = self.SORTS[0] if self.SORTS else ""
        self.selector: Selector | None = None
        self.border_title = self.TITLE

    @property
    def terrarium(self) -> TerrariumApp:
        return cast("TerrariumApp", self.app)

    def choose(self, selector: Selector | None) -> None:
        """Show only what the selector lets through; None shows all."""
        self.selector = selector or None
        self.reorder()

    def sort_by(self, sort: str) -> None:
        """Raises ValueError for what is no sort of this pane."""
        self.SORTS.index(sort)
        self.sort = sort
        self.reorder()

    def next_sort(self) -> str:
        """The sort that follows the present one."""
        return self.SORTS[(self.SORTS.index(self.sort) + 1) % len(self.SORTS)] if self.SORTS else ""

    def reorder(self) -> None:
        """Make the order anew, and draw what is seen of it."""
        self.renewed()
        self.label()

    def label(self) -> None:
        """What the border says: the title and its count above, the filter, the place and the sort below."""
        title = Text(self.TITLE)
        if self.selector:
            title.append(f"  /{self.selector.text}", "not bold")
        self.border_title = _plain(title.plain)
        parts = [self.place_text(), self.note()]
        self.border_subtitle = _plain(" · ".join(part for part in parts if part))

    def on_resize(self) -> None:
        self.label()

    def note(self) -> str:
        """A word on what is shown."""
        return f"by {self.sort}" if self.sort else ""


def _plain(text: str) -> str:
    """Text for a border, in which Textual reads markup."""
    return text.replace("[", r"\[")
