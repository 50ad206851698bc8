"""The built-in miner: Drain (He et al., ICWS 2017) as Drain3 implements it, over lines whose values are masked.

Drain compares a line with the templates that have as many words and begin alike, and joins the most similar one. A
template that few places in the code write is then parted by these places.
Nothing of a batch is kept, neither a state file nor clusters, so that yesterday's lines do not decide what today's are
called.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from brain_engine.logs.call_site import call_site
from brain_engine.logs.masks import MASK, masked
from brain_engine.logs.templates import LONGEST_TEMPLATE, MOST_TEMPLATES, OTHER, Mined

if TYPE_CHECKING:
    from drain3.drain import Drain

_MOST_WORDS: Final = 60  # of a line; what differs later does not make another kind
_MOST_SITES: Final = 8  # of one template: what names more is no place in the code, but the number of an order
_OTHER: Final = 0  # Drain counts from 1


class DrainMiner:
    """Implements ``TemplateMiner``."""

    name = "drain"

    def mine(self, lines: Sequence[str]) -> Mined:
        """See ``TemplateMiner``."""
        from drain3.drain import Drain

        drain = Drain(depth=4, sim_th=0.4, max_children=100, param_str=MASK)
        cluster_of: dict[str, int] = {}
        raw: dict[str, tuple[int, str]] = {}
        found: list[tuple[int, str]] = []
        for line in lines:
            key = raw.get(line)
            if key is None:
                text = " ".join(masked(line).split(" ", _MOST_WORDS)[:_MOST_WORDS])
                cluster = cluster_of.get(text)
                if cluster is None:
                    cluster = cluster_of[text] = _cluster(drain, text)
                key = raw[line] = cluster, call_site(line)
            found.append(key)
        return _named(found, drain)


def _cluster(drain: Drain, text: str) -> int:
    if drain.clusters_counter >= MOST_TEMPLATES:
        found = drain.tree_search(drain.root_node, text.split(), drain.sim_th, False)
        if found is None:
            return _OTHER
    cluster, _ = drain.add_log_message(text)
    return int(cluster.cluster_id)


def _named(found: Sequence[tuple[int, str]], drain: Drain) -> Mined:
    """Clusters by their texts: two that were cut, or grew, to one text are one template."""
    number_of: dict[str, int] = {}
    number: dict[tuple[int, str], int] = {}
    sites = _sites(found)
    for key in dict.fromkeys(found):
        cluster, site = key
        text = OTHER if cluster == _OTHER else drain.id_to_cluster[cluster].get_template()
        if cluster in sites and len(number_of) < MOST_TEMPLATES:
            text = f"{site} {text}".strip()
        number[key] = number_of.setdefault(text[:LONGEST_TEMPLATE], len(number_of))
    return Mined(np.array([number[key] for key in found], dtype=np.int64), tuple(number_of))


def _sites(found: Sequence[tuple[int, str]]) -> frozenset[int]:
    """The clusters that are parted by the places that write them."""
    sites: dict[int, set[str]] = {}
    for cluster, site in dict.fromkeys(found):
        sites.setdefault(cluster, set()).add(site)
    return frozenset(cluster for cluster, of in sites.items() if cluster != _OTHER and 1 < len(of) <= _MOST_SITES)
