"""The pages about the lab name what there is, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from brain_lab.faults import registry as faults
from brain_lab.platforms import registry as platforms
from brain_lab.run.listing import fault_lines, platform_lines

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "lab"
PAGE = (FOLDER / "README.md").read_text(encoding="utf-8")


def rows(heading: str) -> dict[str, str]:
    """First and second column of the first table below a heading; links become their text."""
    part = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0].split("\n\n|")[1]
    return dict(re.findall(r"^\| (?:\[)?`([\w-]+)`(?:\]\([^)]*\))? \| (.+) \|$", "|" + part, re.M))


def test_every_platform_is_listed_with_its_line() -> None:
    assert rows("Platforms") == dict(platform_lines())
    assert all(f"| `{name}` | `{platforms.build(name, 1).cluster}` |" in PAGE for name in platforms.names())


def test_every_fault_is_listed_with_its_line() -> None:
    assert rows("Faults") == {"none": "Nothing breaks", **dict(fault_lines())}
    assert len(rows("Faults")) == len(faults.names()) + 1


@pytest.mark.parametrize("name", platforms.names())
def test_a_platform_has_a_page_with_pictures(name: str) -> None:
    page = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    pictures = re.findall(r"src=\"(pictures/[\w-]+\.png)\"", page)
    assert pictures
    for picture in pictures:
        data = (FOLDER / picture).read_bytes()
        assert len(data) < 300_000
        assert int.from_bytes(data[16:20], "big") == 1280
