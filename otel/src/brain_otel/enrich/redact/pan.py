"""Whether digits are a card number: its range is issued to a card network and its check digit is right.

Ranges as the networks publish them (ISO/IEC 7812-2); the check digit is Luhn's (ISO/IEC 7812-1, annex B).
Left out: airline cards (UATP), which start with 1 as every timestamp does, and Maestro's lengths of 12.
"""

from __future__ import annotations

from typing import Final

SHORTEST: Final = 13
LONGEST: Final = 19

# First digits, as numbers of six digits from and to, and how long such card numbers are.
_RANGES: Final = (
    (220000, 220499, range(16, 20)),  # Mir
    (222100, 272099, (16,)),  # Mastercard
    (300000, 305999, range(14, 20)),  # Diners Club
    (309500, 309599, range(14, 20)),
    (340000, 349999, (15,)),  # American Express
    (352800, 358999, range(16, 20)),  # JCB
    (360000, 369999, range(14, 20)),  # Diners Club
    (370000, 379999, (15,)),  # American Express
    (380000, 399999, range(14, 20)),  # Diners Club
    (400000, 499999, (13, 16, 19)),  # Visa
    (500000, 509999, range(13, 20)),  # Maestro, Elo, Verve, RuPay
    (510000, 559999, (16,)),  # Mastercard
    (560000, 589999, range(13, 20)),  # Maestro
    (600000, 609999, range(16, 20)),  # Discover, RuPay, Hipercard
    (620000, 629999, range(16, 20)),  # UnionPay
    (630000, 639999, range(13, 20)),  # Maestro, Elo
    (644000, 659999, range(16, 20)),  # Discover, Elo, RuPay
    (670000, 679999, range(13, 20)),  # Maestro
    (810000, 829999, range(16, 20)),  # UnionPay, RuPay
    (979200, 979299, (16,)),  # Troy
)
_LENGTHS: Final = {
    number: frozenset(lengths)
    for first, last, lengths in _RANGES
    for number in range(first // 100, last // 100 + 1)  # every range here is one of whole hundreds
}
_DOUBLED: Final = bytes.maketrans(b"0123456789", b"0246813579")
_ZERO: Final = ord("0")


def is_pan(digits: bytes) -> bool:
    """Whether these ASCII digits are a card number."""
    lengths = _LENGTHS.get(int(digits[:4]))
    return lengths is not None and len(digits) in lengths and passes_luhn(digits)


def passes_luhn(digits: bytes) -> bool:
    """Whether the last digit is the check digit of the others."""
    single, double = digits[-1::-2], digits[-2::-2].translate(_DOUBLED)
    return (sum(single) + sum(double) - len(digits) * _ZERO) % 10 == 0
