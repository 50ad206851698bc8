"""Writes the tables of ``docs/lake.md`` from the schemas; run it after changing a column.

Why a program: the schemas already hold each column with its meaning and unit, and a copy by hand would drift.
Maintainers call it; a repository test fails when its result differs from what is committed. What stands outside the
marks is by hand.

    python docs/generate_lake.py [--check]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from brain_lake.schemas import PARTITIONS, TABLES, TableSchema

TARGET = Path(__file__).with_name("lake.md")
BEGIN = "<!-- Written by docs/generate_lake.py from the schemas: do not edit from here to the next mark; run it. -->\n"
END = "<!-- End of what docs/generate_lake.py writes. -->\n"


def render(page: str) -> str:
    """The page with its tables as the schemas are now.

    Raises:
        ValueError: A mark is missing.
    """
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not rest or END not in rest:
        raise ValueError(f"{TARGET} has lost its marks")
    return f"{before}{BEGIN}\n{''.join(map(_section, TABLES))}{END}{after}"


def _section(table: TableSchema) -> str:
    rows = [
        f"| `{column.name}` | {column.kind} | {column.unit} | {column.meaning}{_note(column.name, column.nullable)} |"
        for column in table.described()
    ]
    order = ", ".join(f"`{name}`" for name in table.sort_by)
    heading = f"### `{table.name}`\n\n{table.about} Ordered by {order} within a file.\n\n"
    return heading + "\n".join(["| column | type | unit | meaning |", "|---|---|---|---|", *rows]) + "\n\n"


def _note(name: str, nullable: bool) -> str:
    notes = [word for word, true in (("partition", name in PARTITIONS), ("may be null", nullable)) if true]
    return f" *({', '.join(notes)})*" if notes else ""


def main(arguments: Sequence[str]) -> int:
    """Write or compare; 1 when the committed page is not up to date."""
    parser = argparse.ArgumentParser(description="Writes the tables of docs/lake.md from the schemas.")
    parser.add_argument("--check", action="store_true", help="only say whether it would change")
    page = TARGET.read_text(encoding="utf-8")
    text = render(page)
    if not parser.parse_args(arguments).check:
        TARGET.write_text(text, encoding="utf-8")
        return 0
    if page == text:
        return 0
    print("docs/lake.md is out of date: python docs/generate_lake.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
