"""What is particular about a kind: the hooks around writing an object. A plain Strategy suits most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kgents.embedded.schema.causes import Cause

if TYPE_CHECKING:
    from kgents.embedded.apiserver.api import Api
    from kgents.embedded.auth.user import User

Object = dict[str, Any]


@dataclass(slots=True)
class Write:
    """The circumstances of one write."""

    api: Api
    namespace: str
    name: str
    subresource: str = ""
    dry_run: bool = False
    now: str = ""
    user: User | None = None


class Strategy:
    """Hooks of a kind. All change objects in place; validation returns causes."""

    generation = False
    unconditional_update = True
    judges_slowly = False
    """Whether validation may take long; then it looks at nothing but the object, and is done in a thread."""

    def default(self, obj: Object) -> None:
        """Fills in what the client left out."""

    def prepare_create(self, obj: Object, write: Write) -> None:
        """Sets what only the server may set."""

    def prepare_update(self, new: Object, old: Object, write: Write) -> None:
        """Keeps what an update may not touch."""

    def validate(self, obj: Object, write: Write) -> list[Cause]:
        """What is wrong with an object, new or changed."""
        return []

    def validate_update(self, new: Object, old: Object, write: Write) -> list[Cause]:
        """What is wrong with a change."""
        return []

    def warnings(self, new: Object, old: Object | None) -> list[str]:
        """What the client is told of an object that is taken; `old` is None of a new one."""
        return []

    def changed(self, new: Object, old: Object) -> bool:
        """Whether a change raises the generation."""
        return without(new, "metadata", "status") != without(old, "metadata", "status")

    def grace(self, obj: Object, asked: int | None) -> int:
        """For how many seconds a deletion waits for somebody to finish; 0 deletes at once."""
        return 0

    def holds(self, obj: Object) -> bool:
        """Whether something besides finalizers keeps a deleted object."""
        return False

    def mark_deleted(self, obj: Object) -> None:
        """Shows in the object that its deletion has begun."""

    def before_delete(self, obj: Object, write: Write) -> None:
        """May refuse a deletion by raising."""


class GenerationStrategy(Strategy):
    """A kind whose generation counts the changes of its spec."""

    generation = True


def without(obj: Mapping[str, Any], *keys: str) -> Object:
    """The object without some of its top-level fields."""
    return {key: value for key, value in obj.items() if key not in keys}
