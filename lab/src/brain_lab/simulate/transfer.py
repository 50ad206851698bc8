"""Bytes that the cloud charges for on their way: through NAT gateways, and from one availability zone to another.

They neither slow anything down nor fail: a gateway has far more bandwidth than these platforms use. What they cost
shows on the bill, and in CloudWatch's metrics of the gateway.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from brain_lab.simulate.knobs import Knobs
from brain_lab.simulate.network import Array

NAT_GATEWAY: Final = "nat-0f4e7d2c91ab36580"
"""The one that all zones share."""

REQUEST_BYTES: Final = 6e3
"""Of a request and its answer."""

ABROAD: Final = 0.2
"""Share of them that leaves the network through the NAT gateways."""

ACROSS: Final = 2.0 / 3.0
"""Share of what goes to a gateway of one zone that comes from the other two."""


def transferred(offered: Array, rate: Array, knobs: Knobs) -> dict[str, Array]:
    """[1] bytes/s through NAT gateways, and between zones.

    Args:
        offered: [S] requests/s that arrive, refused ones included.
        rate: [S] requests/s worked on.
        knobs: Of this tick.
    """
    usual = float(offered.sum()) * REQUEST_BYTES
    more = float((rate * knobs.nat_bytes).sum())
    return {
        "nat_bytes": np.array([ABROAD * usual + more]),
        "zone_bytes": np.array([usual + ACROSS * more]),
    }
