"""The approximations against what is exact."""

from __future__ import annotations

import math

import numpy as np
import pytest

from brain_lab.simulate.queueing import SHAPE, attempts, capped, quantile_of_mean, tail, waiting


def erlang_wait(utilisation: float, servers: int) -> float:
    """Mean wait of M/M/c in service times, by Erlang's C formula."""
    load = utilisation * servers
    last = load**servers / math.factorial(servers) / (1.0 - utilisation)
    probability = last / (sum(load**n / math.factorial(n) for n in range(servers)) + last)
    return probability / (servers * (1.0 - utilisation))


@pytest.mark.parametrize("utilisation", [0.1, 0.5, 0.8, 0.95])
def test_one_server_waits_exactly_as_in_mm1(utilisation: float) -> None:
    assert waiting(np.array(utilisation), np.array(1.0)) == pytest.approx(utilisation / (1.0 - utilisation))


@pytest.mark.parametrize("servers", [2, 4, 8, 16, 32])
@pytest.mark.parametrize("utilisation", [0.7, 0.8, 0.9, 0.95])
def test_many_servers_wait_nearly_as_erlang_says(utilisation: float, servers: int) -> None:
    exact = erlang_wait(utilisation, servers)
    assert waiting(np.array(utilisation), np.array(float(servers))) == pytest.approx(exact, rel=0.12, abs=0.02)


def test_the_latency_distribution_has_the_mean_it_is_said_to_have() -> None:
    times = np.linspace(0.0, 400.0, 4_000_001)
    assert np.trapezoid(tail(times), times) == pytest.approx(1.0, rel=1e-3)
    assert float(tail(np.array(quantile_of_mean(0.95)))) == pytest.approx(0.05)
    assert SHAPE > 2.0  # else its variance would be infinite


def test_a_limit_far_away_changes_nothing_and_a_near_one_is_reached() -> None:
    assert capped(np.array(0.01), np.array(5.0)) == pytest.approx(0.01, rel=1e-4)
    assert capped(np.array(50.0), np.array(1.0)) == pytest.approx(1.0, rel=1e-3)


def test_attempts_are_a_geometric_sum() -> None:
    assert attempts(np.array(0.5), np.array(2.0)) == pytest.approx(1.75)
    assert attempts(np.array(1.0), np.array(2.0)) == pytest.approx(3.0, rel=1e-3)
    assert attempts(np.array(0.0), np.array(2.0)) == pytest.approx(1.0)
