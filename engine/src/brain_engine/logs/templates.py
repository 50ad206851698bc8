"""What log lines of one kind have in common: lines in, the number of a template for each, and the templates' texts.

Counts of templates are evidence where the lines themselves are too many to look at: a template that was never seen
before, that explodes or that falls silent. How lines are grouped is exchangeable (entry point group
``ai_devops_brain.template_miners``); what every miner owes is said at ``TemplateMiner``. Secrets are not this part's
business: whoever hands lines over has masked them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

LONGEST_TEMPLATE: Final = 300  # characters of a template's text
MOST_TEMPLATES: Final = 1000  # of one batch; what is like none of them is ``OTHER``
OTHER: Final = "<*>"
"""The template of lines that came after the last free place."""


@dataclass(frozen=True, slots=True)
class Mined:
    """Templates of a batch.

    Attributes:
        template: [L] index into ``texts``, one for each line.
        texts: Unique, in the order of first appearance, ``<*>`` where lines differ.
    """

    template: NDArray[np.int64]
    texts: tuple[str, ...]


class TemplateMiner(Protocol):
    """Groups the lines of one batch.

    The same lines in the same order give the same answer: no state is kept from one batch to the next, nothing is read
    or written elsewhere. There are at most ``MOST_TEMPLATES`` + 1 texts of at most ``LONGEST_TEMPLATE`` characters,
    each one line without control characters. It is called in worker threads, several at a time.
    """

    name: str

    def mine(self, lines: Sequence[str]) -> Mined: ...
