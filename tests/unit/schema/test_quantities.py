from __future__ import annotations

import pytest

from kgents.embedded.schema.quantities import canonical
from kgents.embedded.schema.schema import Schema
from kgents.embedded.schema.settling import settle

PAIRS = [
    *(("0.5", "500m"), ("1000m", "1"), ("1.0", "1"), ("100000", "100k"), ("1500", "1500"), ("1000000", "1M")),
    *(("1024Mi", "1Gi"), ("1.5Gi", "1536Mi"), ("1000Ki", "1000Ki"), ("0.1Ki", "102400m"), ("0.5Ki", "512")),
    *(("1e3", "1e3"), ("12E6", "12e6"), ("1E", "1E"), ("0", "0"), ("0Gi", "0"), ("-0.5", "-500m")),
    *(("0.00000000001", "1n"), ("250000u", "250m"), ("1e30", "9223372036854775807")),
]


@pytest.mark.parametrize(("given", "kept"), PAIRS)
def test_an_amount_is_written_in_one_way(given: str, kept: str) -> None:
    assert canonical(given) == kept
    assert canonical(kept) == kept


@pytest.mark.parametrize("text", ["", "x", "1x", "1 Gi", "1.2.3", "--1", "1e1e1", "9" * 1000])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="quantities must match"):
        canonical(text)


def test_quantities_are_found_wherever_a_kind_has_them() -> None:
    schema = Schema.builtin("", "v1", "Pod")
    assert schema is not None
    container = {"resources": {"limits": {"cpu": 0.5, "memory": "1024Mi"}}}
    volume = {"emptyDir": {"sizeLimit": "2048Ki"}}
    pod = {"spec": {"containers": [container], "volumes": [volume, None]}}
    settle(schema.root, pod)
    assert container["resources"]["limits"] == {"cpu": "500m", "memory": "1Gi"}
    assert volume == {"emptyDir": {"sizeLimit": "2Mi"}}
