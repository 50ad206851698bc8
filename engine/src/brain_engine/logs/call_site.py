"""Where in the code a line was written, if its logger says so: `Server.java:118`, `pkg/store.go:42`, `a.b.Service#451`.

Two places may write the same words, such as one before a query and one after it; only the place tells which it was.
"""

from __future__ import annotations

import re
from typing import Final

LOOKED_AT: Final = 512  # characters

_NAME: Final = r"[\w.$/\[\]-]{1,120}"
_SITE: Final = re.compile(
    rf"(?<![\w.#])(?:[\w$]{{1,60}}\.{_NAME}(?<=[\w\]])#"  # a class with its package
    rf"|{_NAME}\.(?:java|kt|scala|groovy|go|py|rb|rs|js|ts|cs|cc|cpp|c|php|ex|erl):)\d{{1,5}}(?![\w.])"
)


def call_site(line: str) -> str:
    """The first place that the first line names; empty where it names none."""
    head = line[:LOOKED_AT].partition("\n")[0]
    if "#" not in head and ":" not in head:
        return ""
    found = _SITE.search(head)
    return found[0] if found else ""
