"""Hostile text made fit for showing."""

from __future__ import annotations

import pytest

from brain_rca.page.text import clean, clip, diff_lines, web_address


def test_what_deceives_the_eye_or_breaks_an_encoder_is_replaced() -> None:
    cleaned = clean("a\x00b\x1b[31m\u202egpj\u2066\ud800\r\n\tz")
    assert cleaned == "a�b�[31m�gpj���\n\tz"
    assert cleaned.encode()


def test_a_cut_text_says_so() -> None:
    assert clip("abcdef", 4) == "abc…"
    assert clip("abcd", 4) == "abcd"


@pytest.mark.parametrize(
    "url",
    [
        "https://grafana.example.org/d/x?var-a=%7Bb%7D&c=[1]",
        "http://127.0.0.1:9090/graph",
        "HTTPS://[::1]:3000/",
    ],
)
def test_a_plain_web_address_may_become_a_link(url: str) -> None:
    assert web_address(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "/path",
        "https://u:secret@host/",
        "https://",
        "https://a b",
        'https://x/"onclick=1',
        "https://x/<b>",
        "\x01https://x",
        " https://x",
        "https://x\\@y",
        "https://[x",
        "ftp://x/",
        "https://x/" + "a" * 3000,
        "https://x/\u202e",
    ],
)
def test_anything_else_may_not(url: str) -> None:
    assert web_address(url) == ""


def test_a_diff_is_told_apart_by_line_and_cut() -> None:
    lines = diff_lines("--- a\n+++ b\n@@ -1 +1 @@\n-old\n+new\n same\n", 5, 4)
    assert [line.kind for line in lines] == ["file", "file", "hunk", "del", "add", "hunk"]
    assert lines[2].text == "@@ …"
    assert "JSON" in lines[-1].text
