"""The formulas of queueing theory that the network is made of; pure, over arrays of any one shape.

Waiting: H. Sakasegawa, "An approximation formula L_q ≈ αρ^β/(1−ρ)", Annals of the Institute of Statistical
Mathematics 29 (1977), in the form of W. Hopp and M. Spearman, "Factory Physics", chapter 8: exact for M/M/1, within
some percent of Erlang's C formula for more servers. Other variability than Poisson arrivals and exponential service
scales it by (Ca² + Cs²)/2 (A. Allen, "Probability, Statistics and Queueing Theory", 1978).

Latencies are taken to be log-logistic: skewed to the right, with a tail that is closed in form, as timeouts need it.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MOST_BUSY: Final = 0.98
"""Utilisation up to which the stationary formula is used; beyond, the backlog itself says how long one waits."""

SHAPE: Final = 3.5
"""Of the log-logistic latency of a service: p50 is .87, p95 2.0 and p99 3.2 times the mean."""

_MEAN_TO_SCALE: Final = math.sin(math.pi / SHAPE) / (math.pi / SHAPE)
"""Scale over mean of a log-logistic distribution of that shape."""


def waiting(utilisation: Array, servers: Array, variability: float = 1.0) -> Array:
    """Mean wait before service, in service times.

    Args:
        utilisation: Share of the servers that is busy; taken as ``MOST_BUSY`` where it is more.
        servers: How many; at least 1.
        variability: (Ca² + Cs²)/2; 1 for M/M/c.
    """
    busy = np.minimum(utilisation, MOST_BUSY)
    return variability * busy ** exponent(servers) / (servers * (1.0 - busy))


def exponent(servers: Array) -> Array:
    """Of the utilisation in that formula; for loops in which the number of servers stays the same."""
    return np.asarray(np.sqrt(2.0 * (servers + 1.0)) - 1.0)


def tail(times: Array) -> Array:
    """Share of requests that take longer than so many mean latencies."""
    return 1.0 / (1.0 + (times / _MEAN_TO_SCALE) ** SHAPE)


def quantile_of_mean(share: float) -> float:
    """The quantile of the latency distribution, in means."""
    return float(_MEAN_TO_SCALE * (share / (1.0 - share)) ** (1.0 / SHAPE))


def capped(mean: Array, limit: Array) -> Array:
    """About the mean of min(latency, limit): close to the mean far below the limit, and to the limit far above."""
    return mean * limit / np.sqrt(mean * mean + limit * limit)


def attempts(failing: Array, retries: Array) -> Array:
    """Mean attempts of a call whose attempts fail independently, when each failed one is retried: a geometric sum."""
    failing = np.minimum(failing, 0.999999)
    return (1.0 - failing ** (retries + 1.0)) / (1.0 - failing)
