"""Writes the tables in ``docs/catalogue.md`` from the built-in signal catalogue; run it after changing the catalogue.

Why a program: a reader wants to know which series of theirs are read, and the catalogue knows. The prose between the
tables is written by hand and kept. Maintainers call it; a repository test fails when its result differs from what is
committed.

    python docs/generate_catalogue.py [--check]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from brain_rca.evidence.catalogue import load_catalogue
from brain_rca.evidence.promql import metrics_of

TARGET = Path(__file__).with_name("catalogue.md")


def tables() -> dict[str, str]:
    """The generated parts by name."""
    catalogue = load_catalogue()
    signals = (
        (
            f"`{name}`",
            rule.family,
            rule.unit,
            rule.direction,
            _limit(rule.saturation),
            rule.entity.kind,
            _read(rule.query),
        )
        for name, rule in catalogue.signals.items()
    )
    edges = (
        (f"`{name}`", rule.kind, rule.dependent.kind, rule.dependency.kind, _read(rule.query))
        for name, rule in catalogue.edges.items()
    )
    owners = ((f"`{name}`", _read(rule.query)) for name, rule in catalogue.owners.items())
    return {
        "signals": _table(("signal", "family", "unit", "bad is", "limit", "about a", "read from"), signals),
        "edges": _table(("edge", "kind", "dependent", "dependency", "read from"), edges),
        "owners": _table(("owner", "read from"), owners),
    }


def render(page: str) -> str:
    """``page`` with its generated parts brought up to date."""
    for name, table in tables().items():
        begin, end = f"<!-- generated: {name} -->\n", f"<!-- end: {name} -->"
        before, rest = page.split(begin)
        page = f"{before}{begin}{table}{end}{rest.split(end)[1]}"
    return page


def _limit(saturation: float | None) -> str:
    return "" if saturation is None else f"{saturation:g}"


def _read(query: str) -> str:
    return ", ".join(f"`{name}`" for name in metrics_of(query))


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def main(arguments: Sequence[str]) -> int:
    """Write or compare; 1 when the committed page is not up to date."""
    parser = argparse.ArgumentParser(description="Writes the tables in docs/catalogue.md.")
    parser.add_argument("--check", action="store_true", help="only say whether it would change")
    old = TARGET.read_text(encoding="utf-8")
    new = render(old)
    if not parser.parse_args(arguments).check:
        TARGET.write_text(new, encoding="utf-8")
        return 0
    if old == new:
        return 0
    print("docs/catalogue.md is out of date: python docs/generate_catalogue.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
