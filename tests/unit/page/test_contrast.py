"""Colours of both themes reach WCAG AA for text (4.5 : 1) on what they are shown on."""

from __future__ import annotations

import re

import pytest

from brain_rca.page.headers import STYLE

PAIRS = [
    ("ink", "bg"),
    ("ink", "card"),
    ("ink", "sunk"),
    ("soft", "bg"),
    ("soft", "card"),
    ("soft", "sunk"),
    ("accent", "card"),
    ("accent", "bg"),
    ("accent", "accent-soft"),
    ("onset", "card"),
    ("critical", "card"),
    ("critical", "critical-bg"),
    ("warning", "warning-bg"),
    ("warning", "card"),
    ("info", "info-bg"),
    ("good", "good-bg"),
    ("add", "add-bg"),
    ("del", "del-bg"),
]


def theme(name: str) -> dict[str, str]:
    light, dark = re.findall(r":root\{(.*?)\}", STYLE, re.DOTALL)[:2]
    return dict(re.findall(r"--([\w-]+):(#[0-9a-f]+)", light if name == "light" else dark))


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    channels = [int(digits[start : start + 2], 16) / 255 for start in (0, 2, 4)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("name", ["light", "dark"])
@pytest.mark.parametrize(("front", "back"), PAIRS)
def test_text_can_be_read(name: str, front: str, back: str) -> None:
    colours = theme(name)
    bright, dim = sorted((luminance(colours[front]), luminance(colours[back])), reverse=True)
    assert (bright + 0.05) / (dim + 0.05) >= 4.5
