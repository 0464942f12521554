from __future__ import annotations

import pytest
from multidict import CIMultiDict

from kgents.api.errors import Refused
from kgents.embedded.auth.authorize import Attributes, Authorizer
from kgents.embedded.auth.impersonate import impersonate
from kgents.embedded.auth.user import MASTERS, User
from kgents.kube.impersonation import Identity


def test_the_server_reads_the_same_user_that_was_meant() -> None:
    extra = (("Example.org/Scopes", ("a", "b")), ("100%/ü", ("x",)), ("kgents.io/connector", ("cortex",)))
    meant = Identity("system:serviceaccount:default:scout", "7f", ("system:authenticated", "people"), extra)

    root = Attributes(User("root", "", (MASTERS,)), "list", resource="agents")
    read = impersonate(root, CIMultiDict(meant.headers()), Authorizer(lambda _: ()))

    assert (read.name, read.uid, read.groups) == (meant.name, meant.uid, meant.groups)
    assert dict(read.extra) == dict(extra)


@pytest.mark.parametrize("text", ["", " ann", "ann ", "a\nb", "a\x00", "a\u2028b"])
def test_what_a_header_would_change_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        list(Identity(text).headers())
    with pytest.raises(Refused):
        list(Identity("ann", groups=(text,)).headers())


def test_an_extra_is_added_to_those_of_its_name() -> None:
    one = Identity("ann", extra=(("k", ("a",)), ("l", ("b",)))).with_extra("k", "c")

    assert dict(one.extra) == {"k": ("a", "c"), "l": ("b",)}
