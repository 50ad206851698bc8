"""Words for what broke: those of the engine, and own ones that cannot be taken for a misspelt one of them.

What was said of another kind of fault counts half, so a misspelt word would halve what somebody knows, unseen.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from typing import Final

from brain_common.errors import InputError
from brain_engine.fault_kind import UNKNOWN
from brain_engine.series import Family

KINDS: Final = (*(family.value for family in Family), UNKNOWN)
"""What the engine says."""

_WORD: Final = re.compile(r"[a-z][a-z_-]{0,39}")
_NEAR: Final = 0.8  # latancy, eror and lod are near; host is not near cost, nor risk near disk
_MOST_COMPARED: Final = 40  # characters, as many as a word has


def checked_fault_kind(text: str, ranked: Collection[str] = ()) -> str:
    """``text``, if it is a word for what broke, or empty.

    Args:
        text: What somebody wrote.
        ranked: What the ranking of the incident says; a ranker of somebody's own may have words of its own.

    Raises:
        InputError: It is no word, or nearly one that is known; the message names that, and all.
    """
    if not text or text in KINDS or text in ranked:
        return text
    word, known = text[:_MOST_COMPARED].lower(), (*KINDS, *ranked)
    near = _meant(word, known)
    if near or not _WORD.fullmatch(text):
        meant = f" (did you mean {near}?)" if near else ""
        raise InputError(
            f"fault kind {text[:_MOST_COMPARED]!r}{meant}: expected {', '.join(KINDS)}, "
            "or another word in lower case that is near none of these"
        )
    return text


def _meant(word: str, known: Collection[str]) -> str:
    """The word that it may be a misspelling of; empty where there is none. ``memory-leak`` is a word of its own."""
    if any(part in known for part in re.split("[-_]", word)[:-1]):
        return ""
    mixed = [one for one in known if sorted(one) == sorted(word)]
    return next(iter(mixed or difflib.get_close_matches(word, known, n=1, cutoff=_NEAR)), "")
