"""What every template miner owes, whoever wrote it: all that are registered are held to it."""

from __future__ import annotations

from importlib.metadata import entry_points

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_engine.logs.templates import LONGEST_TEMPLATE, MOST_TEMPLATES, TemplateMiner
from brain_engine.plugins import load_miner

MINERS = sorted(point.name for point in entry_points(group="ai_devops_brain.template_miners"))
pytestmark = pytest.mark.parametrize("miner", [load_miner(name) for name in MINERS], ids=MINERS)

ORDINARY = [
    *(f"order {number} of customer c-{number * 7} accepted in {number} ms" for number in range(50)),
    *(f"connection to 10.0.0.{number}:5432 refused" for number in range(30)),
    "cache is warm",
]
HOSTILE = [
    "",
    " \t ",
    "\x00\x01\x1b[31mred\x1b[0m",
    "\ud800 half of a pair",
    "x" * 3_000_000,
    "word " * 200_000,
    "{" * 5000,
    '{"message": "cut off',
    '"' * 2000 + "1",
    "<*> <*> <*>",
    "\u2028\u202e\u0085 separators",
    "a\nb\rc",
    "0" * 100_000,
    "1.1." * 50_000,
]


def test_lines_of_one_kind_are_one_template(miner: TemplateMiner) -> None:
    mined = miner.mine(ORDINARY)
    kinds = [set(mined.template[part].tolist()) for part in (slice(0, 50), slice(50, 80), slice(80, 81))]
    assert [len(kind) for kind in kinds] == [1, 1, 1]
    assert len(set.union(*kinds)) == 3
    assert mined.texts[mined.template[80]] == "cache is warm"


def test_the_same_lines_get_the_same_answer(miner: TemplateMiner) -> None:
    miner.mine(["something else entirely", *ORDINARY[::-1]])
    first, second = miner.mine(ORDINARY), miner.mine(ORDINARY)
    assert first.texts == second.texts
    np.testing.assert_array_equal(first.template, second.template)


def test_no_lines_are_no_templates(miner: TemplateMiner) -> None:
    mined = miner.mine([])
    assert mined.texts == ()
    assert mined.template.shape == (0,)


def test_templates_are_bounded(miner: TemplateMiner) -> None:
    names = ["".join(chr(97 + int(digit)) for digit in f"{number:05d}") for number in range(3 * MOST_TEMPLATES)]
    mined = miner.mine([" ".join([name] * (number % 50 + 1)) for number, name in enumerate(names)])
    assert len(mined.texts) <= MOST_TEMPLATES + 1
    assert len(mined.template) == len(names)


def test_hostile_lines_become_harmless_texts(miner: TemplateMiner) -> None:
    _check(miner, HOSTILE)


@given(lines=st.lists(st.text(max_size=80), max_size=20))
def test_any_lines(miner: TemplateMiner, lines: list[str]) -> None:
    _check(miner, lines)


def _check(miner: TemplateMiner, lines: list[str]) -> None:
    mined = miner.mine(lines)
    assert len(mined.template) == len(lines)
    assert len(set(mined.texts)) == len(mined.texts)
    assert set(mined.template.tolist()) == set(range(len(mined.texts)))
    for text in mined.texts:
        assert len(text) <= LONGEST_TEMPLATE
        assert not any(ord(char) < 32 or 127 <= ord(char) < 160 or 0xD800 <= ord(char) < 0xE000 for char in text)
        assert "\u2028" not in text
