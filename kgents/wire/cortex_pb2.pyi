from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class InvokeRequest(_message.Message):
    __slots__ = ("path", "arguments", "namespace", "client_version")
    PATH_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    CLIENT_VERSION_FIELD_NUMBER: _ClassVar[int]
    path: str
    arguments: bytes
    namespace: str
    client_version: str
    def __init__(self, path: _Optional[str] = ..., arguments: _Optional[bytes] = ..., namespace: _Optional[str] = ..., client_version: _Optional[str] = ...) -> None: ...

class InvokeReply(_message.Message):
    __slots__ = ("head", "items")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    head: bytes
    items: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, head: _Optional[bytes] = ..., items: _Optional[_Iterable[bytes]] = ...) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ("path", "arguments", "namespace", "client_version")
    PATH_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    CLIENT_VERSION_FIELD_NUMBER: _ClassVar[int]
    path: str
    arguments: bytes
    namespace: str
    client_version: str
    def __init__(self, path: _Optional[str] = ..., arguments: _Optional[bytes] = ..., namespace: _Optional[str] = ..., client_version: _Optional[str] = ...) -> None: ...

class WatchEvent(_message.Message):
    __slots__ = ("type", "item", "resource")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    ITEM_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    type: str
    item: bytes
    resource: str
    def __init__(self, type: _Optional[str] = ..., item: _Optional[bytes] = ..., resource: _Optional[str] = ...) -> None: ...
