"""CloudWatch's metrics of the NAT gateway, as YACE names them: sums of a minute, refreshed once a minute."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from brain_lab.emit.metrics.aws import by_minute
from brain_lab.emit.metrics.scrape import Scrape
from brain_lab.replay.series import PromSeries
from brain_lab.simulate.transfer import NAT_GATEWAY

_CONNECTION_BYTES: Final = 4e5
"""Bytes/s of a connection that is open."""


def series(scrape: Scrape) -> Iterator[PromSeries]:
    """Bytes to and from the outside, and open connections."""
    platform = scrape.recording.platform
    labels = [
        {
            "name": f"arn:aws:ec2:{platform.region}:{platform.account}:natgateway/{NAT_GATEWAY}",
            "dimension_NatGatewayId": NAT_GATEWAY,
            "account_id": platform.account,
            "region": platform.region,
        }
    ]
    rate = scrape.recording.cluster["nat_bytes"].astype(np.float64)
    metrics = {
        "active_connection_count_maximum": np.ceil(rate / _CONNECTION_BYTES) + 40.0,
        "bytes_in_from_source_sum": rate * 60.0,
        "bytes_out_to_destination_sum": rate * 60.0,
    }
    for name, values in metrics.items():
        shown = by_minute(scrape.gauge(scrape.noisy(f"nat {name}", values, 0.03)))
        yield from scrape.series(f"aws_natgateway_{name}", np.round(shown), labels, targets=["yace"])
