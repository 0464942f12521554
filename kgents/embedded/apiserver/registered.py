"""What was registered to judge writes, compiled once per change of its objects, so that asking costs nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from kgents.embedded.apiserver.api import Api
    from kgents.embedded.apiserver.store.records import Event

T = TypeVar("T")
Object = dict[str, Any]
GROUP = "admissionregistration.k8s.io"


class Registered(Generic[T]):
    """A value made from all objects of some resources of the admission group; made anew after one of them changed.

    `build` gets a list of objects per resource, sorted by name.
    """

    def __init__(self, build: Callable[..., T], *plurals: str) -> None:
        self._build = build
        self._names = [f"{plural}.{GROUP}" for plural in plurals]
        self._api: Api | None = None
        self._value: T | None = None

    def idle(self, api: Api) -> bool:
        """Whether nothing is registered."""
        return not any(api.store.collection(name).records for name in self._names)

    def get(self, api: Api) -> T:
        """The value for what is in the store now."""
        if self._api is not api:
            self._attach(api)
        if self._value is None:
            collections = (api.store.collection(name) for name in self._names)
            self._value = self._build(*([record.parse() for record in one.span(None)] for one in collections))
        return self._value

    def _attach(self, api: Api) -> None:
        self._api, self._value = api, None
        for name in self._names:
            api.store.collection(name).listeners.add(self._changed)

    def _changed(self, _event: Event) -> None:
        self._value = None
