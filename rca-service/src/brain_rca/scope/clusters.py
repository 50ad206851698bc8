"""Alerts of one cluster, evidence of another: they are taken for different things, and no cause is found.

Alerts carry Prometheus' external label ``cluster``, series read from that Prometheus do not and are taken to be of the
configured one. Two names of one cluster are so the first thing to rule out where an alert meets no evidence.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from brain_common.entity import Entity
from brain_rca.publish.text import clean

_MOST_NAME: Final = 60  # characters of a cluster's name
_MOST_NAMES: Final = 3


def elsewhere(alerting: Sequence[str], known: Collection[str], configured: str) -> str:
    """What is wrong and what to do, where alerts name a cluster that nothing is known of; else empty.

    Args:
        alerting: Entities that the alerts are about, as the evidence names them where it does.
        known: Entities of the evidence.
        configured: Name of the cluster of alerts and series that do not say.
    """
    evidence = _clusters(known) - {""}
    strange = _clusters(name for name in alerting if name not in known) - evidence - {configured, ""}
    if not strange or not (evidence or configured):
        return ""
    named = _listed(strange)
    of = f"the evidence is of {_listed(evidence)}" if evidence else "there is no evidence of any"
    says = f'says `cluster: "{_shown(configured)}"`' if configured else "names no `cluster`"
    return (
        f"the alerts name the cluster {named}, but {of} and the configuration {says}: where these are one cluster, set "
        f"`cluster` to what the alerts name; else add a source of evidence that has {named}"
    )


def _clusters(names: Iterable[str]) -> set[str]:
    return {Entity.parse(name).cluster for name in names}


def _listed(clusters: Collection[str]) -> str:
    shown = [f'"{_shown(name)}"' for name in sorted(clusters)[:_MOST_NAMES]]
    more = len(clusters) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _shown(name: str) -> str:
    return clean(name, _MOST_NAME)
