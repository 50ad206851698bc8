"""Where the truth stands in rankings, as the field reports it; for recorded cases and for simulated runs.

AC@k is the share of cases whose true cause is among the first k, Avg@5 the mean of AC@1 … AC@5, MRR the mean reciprocal
rank (Pham et al., "RCAEval", WWW 2025; the same definitions are used since Wang et al., "CloudRanger", CCGRID 2018).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Ranks = Sequence[int | None]
"""Per case the place of the truth, from 1; None where it is not in the ranking."""


def rank_of(ranking: Iterable[str], truths: Iterable[str]) -> int | None:
    """The best place of any of ``truths`` among the distinct names of a ranking, best first."""
    distinct = list(dict.fromkeys(ranking))
    places = [distinct.index(truth) + 1 for truth in truths if truth in distinct]
    return min(places, default=None)


def hits(ranks: Ranks, first: int) -> int:
    """In how many cases the truth is among the first so many."""
    return sum(rank is not None and rank <= first for rank in ranks)


def accuracy(ranks: Ranks, first: int) -> float:
    """AC@k; NaN without cases."""
    return hits(ranks, first) / len(ranks) if ranks else float("nan")


def average_of_five(ranks: Ranks) -> float:
    """Avg@5; NaN without cases."""
    return sum(accuracy(ranks, first) for first in range(1, 6)) / 5


def reciprocal(rank: int | None) -> float:
    """1 / rank; 0 where the truth is absent."""
    return 1.0 / rank if rank else 0.0


def share_of_five(rank: int | None) -> float:
    """What one case adds to Avg@5: 1 at the first place, 0.8 at the second, … 0 from the sixth on."""
    return max(6 - rank, 0) / 5 if rank else 0.0
