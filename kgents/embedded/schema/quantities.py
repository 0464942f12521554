"""Quantities as Kubernetes stores them: one way to write each amount (`0.5` is `500m`, `1024Mi` is `1Gi`).

The rules are those of resource.Quantity in k8s.io/apimachinery: the kind of suffix is kept, the number is a whole one
and as small as can be, and what is finer than a billionth is rounded up.
"""

from __future__ import annotations

from decimal import ROUND_UP, Decimal

FINEST = Decimal("1e-9")
LARGEST = Decimal(2**63 - 1)
DECIMAL = {-9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P", 18: "E"}
BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")


def canonical(text: str) -> str:
    """A quantity in its canonical form. Raises ValueError for what is none."""
    from kgents.embedded.schema.cel_quantity import parse_quantity

    number = parse_quantity(text)
    sign, number = "-" if number < 0 else "", min(abs(number), LARGEST)
    if not number:
        return "0"
    if text.endswith("i") and number >= 1024 and number == int(number):
        return sign + _binary(int(number))
    number = number.quantize(FINEST, ROUND_UP)
    exponent = next(
        power for power in range(18, -10, -3) if number == int(number.scaleb(-power)) * Decimal(10) ** power
    )
    amount = int(number.scaleb(-exponent))
    scientific = "e" in text or ("E" in text and not text.endswith("E"))
    suffix = (f"e{exponent}" if exponent else "") if scientific else DECIMAL[exponent]
    return f"{sign}{amount}{suffix}"


def _binary(amount: int) -> str:
    power = 0
    while amount % 1024 == 0 and power < len(BINARY) - 1:
        amount, power = amount // 1024, power + 1
    return f"{amount}{BINARY[power]}"
