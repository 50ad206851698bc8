"""Where a line was written, if it says so, and what becomes of templates that several places write."""

from __future__ import annotations

import pytest

from brain_engine.logs.call_site import call_site
from brain_engine.logs.drain import DrainMiner


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("16:48:42.424 INFO  t.s.TravelServiceImpl#532 [getRoute] route is: 7", "t.s.TravelServiceImpl#532"),
        ("17:20:29 ERROR o.a.c.[.[dispatcherServlet]#175 failed", "o.a.c.[.[dispatcherServlet]#175"),
        ("2024-01-02 INFO store/cart.go:42: added 3 items", "store/cart.go:42"),
        ('{"level":"info","caller":"zap/server.go:118","msg":"started"}', "zap/server.go:118"),
        ("Traceback\n  at cart.py:17", ""),
        ("kernel: CPU#0 is up", ""),
        ("closed issue #12 of order#7", ""),
        ("connected to db.shop.svc:5432", ""),
        ("listening on 10.0.0.1:80", ""),
        ("x" * 600 + " main.go:1", ""),
        ("", ""),
    ],
)
def test_a_place_is_a_file_or_a_class_with_a_line_number(line: str, expected: str) -> None:
    assert call_site(line) == expected


def test_the_same_words_of_two_places_are_two_templates() -> None:
    lines = [f"INFO a.b.Trips#{place} calculated time: {n}" for n in range(5) for place in (451, 457)]
    mined = DrainMiner().mine(lines)
    assert mined.template.tolist() == [0, 1] * 5
    assert mined.texts == (
        "a.b.Trips#451 INFO a.b.Trips#<*> calculated time: <*>",
        "a.b.Trips#457 INFO a.b.Trips#<*> calculated time: <*>",
    )


def test_numbers_of_orders_are_no_places() -> None:
    lines = [f"INFO shop.Order#{n} was sent" for n in range(20)]
    assert DrainMiner().mine(lines).texts == ("INFO shop.Order#<*> was sent",)
