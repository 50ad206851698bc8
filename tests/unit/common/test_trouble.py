"""When a failure is worth a line in the log."""

from __future__ import annotations

from brain_common.errors import TemporaryError
from brain_common.trouble import Trouble


def test_it_is_news_when_it_begins_and_when_it_changes() -> None:
    trouble = Trouble()
    assert [trouble.news(TemporaryError(words)) for words in ("a", "a", "b", "a")] == [True, False, True, True]
    assert trouble.words == "a"


def test_it_is_over_once() -> None:
    trouble = Trouble()
    assert not trouble.over()
    trouble.news(TemporaryError("a"))
    assert [trouble.over(), trouble.over(), trouble.words] == [True, False, ""]
    assert trouble.news(TemporaryError("a"))
