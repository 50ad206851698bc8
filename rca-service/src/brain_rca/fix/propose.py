"""Proposals from the built-in catalogue, for who has no configuration of their own.

The service reads its catalogue once, with the user's entries, and asks that instead.
"""

from __future__ import annotations

import functools

from brain_rca.fix.catalogue import Catalogue, load_catalogue
from brain_rca.model import Cause, Proposal


def propose(cause: Cause, max_proposals: int = 2) -> tuple[Proposal, ...]:
    """At most ``max_proposals`` changes that somebody could apply, best first; none if nothing fits."""
    return _built_in().propose(cause, max_proposals)


@functools.cache
def _built_in() -> Catalogue:
    return load_catalogue()
