"""What the verbs share: the state, the rooms around it, and the way from a stored record to a client's object."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from kgents.embedded.apiserver.admission import Chain, NamespaceLifecycle
from kgents.embedded.apiserver.builtin_admission import DefaultStorage, PodDefaults
from kgents.embedded.apiserver.calls import Answer, Call
from kgents.embedded.apiserver.escalation import Escalation
from kgents.embedded.apiserver.judges import MutatingWebhooks, Policies, ValidatingWebhooks
from kgents.embedded.apiserver.registry import Registry, Resource
from kgents.embedded.apiserver.signers import Signers
from kgents.embedded.apiserver.store.records import Collection, Record
from kgents.embedded.apiserver.store.recovery import Salvage
from kgents.embedded.apiserver.store.store import Store
from kgents.embedded.auth.authenticate import Authenticator
from kgents.embedded.auth.authorize import Authorizer
from kgents.embedded.auth.pki import Pki
from kgents.embedded.auth.reviews import Reviews
from kgents.embedded.auth.service_accounts import ServiceAccountTokens

Object = dict[str, Any]


def judges() -> Chain:
    """All judges of a write, in Kubernetes' order."""
    own = (NamespaceLifecycle(), PodDefaults(), DefaultStorage())
    return Chain(*own, MutatingWebhooks(), Escalation(), Signers(), Policies(), ValidatingWebhooks())


@dataclass
class Api:
    """The rooms of the server, wired together."""

    store: Store
    registry: Registry
    pki: Pki
    authenticator: Authenticator
    authorizer: Authorizer
    reviews: Reviews
    accounts: ServiceAccountTokens
    service_cidr: str
    directory: Path
    address: str = "127.0.0.1"
    port: int = 443
    promised: set[str] = field(default_factory=set)
    admission: Chain = field(default_factory=judges)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    clients: dict[str, Any] = field(default_factory=dict)
    """HTTP clients with which the server asks others; closed with it."""
    salvage: Salvage | None = None
    """What had to be done for the store at start, if it was broken."""

    @property
    def namespaces(self) -> Collection:
        """The collection that every namespaced write looks into."""
        return self.store.collection("namespaces")

    def collection(self, resource: Resource) -> Collection:
        """Where a resource's objects are."""
        return self.store.collection(resource.storage, volatile=resource.volatile)

    def lookup(self, plural: str, namespace: str, name: str) -> Object | None:
        """An object straight from memory, for whoever only reads; None if it is not there."""
        record = self.store.collection(plural).get(namespace, name)
        return None if record is None else record.parse()


def read(resource: Resource, record: Record) -> Object:
    """A record as an object of the resource's version, free to be changed."""
    obj = record.parse()
    return resource.read(obj) if resource.read is not None else obj


def render(resource: Resource, record: Record) -> bytes:
    """A record as JSON of the resource's version."""
    return orjson.dumps(read(resource, record)) if resource.read is not None else record.data


def answer(call: Call, record: Record, code: int = 200) -> Answer:
    """The answer that shows one object, in the form that the client accepts."""
    from kgents.embedded.apiserver import forms

    return forms.one(call, render(call.resource, record), code)
