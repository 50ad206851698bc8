"""An alert's fingerprint as Prometheus and Alertmanager compute it: FNV-1a over its sorted labels.

Kept apart because it must equal theirs bit by bit: links from notifications find the incident by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

FNV_OFFSET: Final = 14695981039346656037
FNV_PRIME: Final = 1099511628211
SEPARATOR: Final = b"\xff"


def fingerprint(labels: Mapping[str, str]) -> str:
    """16 hex digits; the order of the labels does not matter, the alert's name is one of them."""
    value = FNV_OFFSET
    for name, text in sorted(labels.items()):
        for byte in name.encode() + SEPARATOR + text.encode() + SEPARATOR:
            value = ((value ^ byte) * FNV_PRIME) % 2**64
    return f"{value:016x}"
