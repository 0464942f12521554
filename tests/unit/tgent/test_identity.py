"""T-gent's certificate is for the address that it is asked for, and vouches for itself."""

from __future__ import annotations

import asyncio

import pytest
from cryptography import x509

from kgents.api.errors import KgentsError
from operators.tgent import identity


def test_the_certificate_names_the_address_and_fits_the_key():
    made = asyncio.run(identity.make("127.0.0.3"))

    names = x509.load_pem_x509_certificate(made.certificate).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert [str(one) for one in names.value.get_values_for_type(x509.IPAddress)] == ["127.0.0.3"]
    made.context()  # raises if the key were another
    assert made.key.startswith(b"-----BEGIN PRIVATE KEY-----")


def test_what_cannot_be_made_is_told():
    with pytest.raises(KgentsError, match="T-gent's certificate cannot be made"):
        asyncio.run(identity.make("not a name \N{SNOWMAN}"))
