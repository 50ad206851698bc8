"""Logging to standard error, one line an event, with secrets masked whoever logs them."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable
from typing import Final

# What the name of a secret ends in. "pass" alone ends other words as well: dbpass is one, bypass is not.
_KEYS = ("access", "account", "api", "encryption", "private", "secret", "shared", "signing")
_NO_NAMES = "".join(f"(?<!{first}pass)" for first in ("by", "com", "sur", "tres", "over", "under"))
_NAME = (
    rf"(?:pass(?:word|wd|phrase|code)s?|pass{_NO_NAMES}|pwd|secret|token|credentials?|authorization|amz-signature"
    rf"|(?:{'|'.join(_KEYS)})[_-]?key)(?:[_-]?(?:\d{{1,3}}|new|old))?"
)
_CLOSED = r"(?:\\{0,4}['\"])?"  # a name in quotes; in JSON that is a text within JSON they are escaped
_COLON = rf"{_CLOSED}\s{{0,20}}:\s{{0,20}}"
_EQUALS = rf"{_CLOSED}\s{{0,20}}(?:=>|:=|={{1,2}})\s{{0,20}}"
_ARROWS = ("->", "=>", "\u2192")
_ARROW = rf"(?:{'|'.join(_ARROWS)})"  # an edit, from what to what: either may be in use
_LONG_SCHEMES = r"(?:aws4-hmac-sha256|digest|hawk|negotiate|ntlm)"
_SCHEME = rf"(?:(?:basic|bearer|{_LONG_SCHEMES})\s{{1,20}})?"
_BARE = r"(?:[^\s'\",;&)}]|(?<=\w)['\"](?=\w))+"
# Not an ordinary word: it has a digit, or a large letter after a small one as base64 has, or is long.
_ODD = r"(?:(?=[\w.~+/=-]{0,255}(?:\d|(?-i:[a-z][A-Z])))[\w.~+/=-]{6,}|[\w.~+/=-]{20,})[^\s'\",;&)}]*"
_NEXT = rf"[\w-]{{0,64}}{_NAME}(?:{_COLON}|{_EQUALS})[^\s=,;&)}}]"  # a name again, which has a value of its own
_PROSE = r"(?:-|(?:and|are|can|cannot|for|from|has|in|is|may|must|needs|not|of|option|or|to|was|with)\b)"


def _value(group: str) -> str:
    """A pattern of a value; ``group`` is the quote it begins with, if any, and to the end of the line if cut off."""
    return rf"(?:(?P<{group}>\\{{0,4}}['\"])(?:(?!(?P={group}))(?:\\.|[^\\\n]))+(?:(?P={group}))?|{_BARE})"


_EDITS = rf"(?:\s{{1,20}}{_ARROW}\s{{0,20}}(?!['\"]?{_NEXT}){_value('next')})*"
_PIECE = re.compile(
    rf"(?i)(?P<arrow>{_ARROW})(?!\S)|(?P<open>(?P<quote>\\{{0,4}}['\"]){_SCHEME})(?:(?!(?P=quote))(?:\\.|[^\\\n]))+"
    rf"(?P<close>(?P=quote))?|{_BARE}"
)
# To the last @, since a password may hold one. If it holds a slash, a colon is before it, and no port; if both, a host
# is behind the last @: no version as in "app@1.2" nor a name as in "/@alex".
_USER = r"[^/\s:@\[]{0,256}:(?!\d{1,5}/|//)[^\s@'\"<>]{1,256}"
_HOST = r"(?!v?\d{1,9}(?:\.\d{1,9}){0,2}(?![\w.-]))[\w\[]"
_USERINFO = re.compile(rf"://(?:{_USER}@(?:(?!://)[^\s'\"<>?#,;]){{0,256}}(?<!/)(?=@{_HOST})|[^/\s]+|{_USER})@")
_PRIVATE_KEY = re.compile(r"(?s)-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]{0,40}-----|\Z)")
# Of GitHub, GitLab, Slack and AWS, and JSON Web Tokens.
_GITHUB = ("ghp_", "gho_", "ghr_", "ghs_", "ghu_", "github_pat_")
_GITLAB_KINDS = ("agent", "cbt", "dt", "ffct", "ft", "imt", "oas", "pat", "ptt", "rt", "rtr", "soat", "wt")
_GITLAB = tuple(f"gl{kind}-" for kind in _GITLAB_KINDS)
_TOKEN = re.compile(
    r"(?<![A-Za-z0-9])(?:A[KS]IA[A-Z0-9]{12,}"
    rf"|(?:{'|'.join(_GITHUB)})\w{{10,}}|(?:xox[a-z]-|xapp-|{'|'.join(_GITLAB)})[\w-]{{10,}}(?:\.[\w-]+)*)"
    r"|(?<![\w-])eyJ[\w-]{4,}\.[\w-]{4,}(?:\.[\w-]*)?"
)
# To the end of the line: what such schemes send has blanks, commas and quotes in it.
_HEADER = re.compile(
    rf"(?i)(?P<head>authorization(?:{_COLON}|{_EQUALS}){_LONG_SCHEMES}[ \t]{{1,20}}"
    rf"|authorization{_COLON}(?!basic\b|bearer\b)[\w-]{{1,32}}[ \t]{{1,20}}(?={_ODD}|[a-z]{{1,32}}=)"
    r"|aws4-hmac-sha256[ \t]{1,20}(?=credential))[^\r\n]+"
)
_COOKIE = re.compile(
    rf"(?i)(?P<head>cookie(?:{_COLON}|{_EQUALS}))"
    rf"(?P<value>(?=\\{{0,4}}['\"]){_value('quote')}"
    r"|[^\s;='\",]+=[^\s;'\",]*(?:;\s?[^\s;='\",]+(?:=[^\s;'\",]*)?)*)"
)
_BEARER = re.compile(rf"(?i)(?P<head>\b(?:bearer|basic)\s{{1,20}}){_ODD}")
# What is wrong with a setting or file of a secret, in our words, pydantic's and the system's: "token: Field required".
_FAULT = (
    r"(?:(?:input|string|value) should |field required|unknown key|environment variable |no such |permission denied"
    r"|not there|(?:is|not) an? |(?:file \S{1,256} )?(?:is no|cannot be) |holds no )"
)
# What is itself a name, or an object of JSON, is no value.
_NAMED = re.compile(
    rf"(?i)(?P<head>{_NAME}(?:{_COLON}(?!{_FAULT})|{_EQUALS})\[?(?:{_ARROW}\s{{1,20}})?{_SCHEME})"
    rf"(?!{_NEXT}|{{\s{{0,20}}\\{{0,4}}['\"])"
    rf"(?P<value>{_value('quote')}{_EDITS})"
)
_EDITED = re.compile(  # "DB_PASSWORD old -> new"
    rf"(?i)(?P<head>{_NAME}{_CLOSED}\s{{1,20}})(?P<value>(?:\"[^\"\n]{{0,256}}\"|\S{{1,256}})\s{{1,20}}"
    rf"{_ARROW}\s{{1,20}}{_value('quote')}{_EDITS}|{_ARROW}\s{{1,20}}{_ODD})"
)
_ARGUMENT = re.compile(  # "--password hunter", "PGPASSWORD hunter2"
    rf"(?P<head>(?i:(?<![\w-])--?[\w-]*{_NAME}(?:['\"]\s?,\s?|\s{{1,20}})(?!{_PROSE}))"
    rf"|(?<![\w./-])(?=[A-Z0-9_]+\s)\w*(?i:{_NAME})\s{{1,20}}(?={_ODD}))(?P<value>(?i:{_value('quote')}))"
)


def _starred(found: re.Match[str]) -> str:
    return found["head"] + "***"


def _pieces_starred(found: re.Match[str]) -> str:
    return found["head"] + _PIECE.sub(
        lambda piece: piece["arrow"] or f"{piece['open'] or ''}***{piece['close'] or ''}", found["value"]
    )


# In what a pattern finds is one of its words, in small letters: patterns are slow, and of a million lines hardly any
# holds one. Blocks and tokens come first, since a name would have half of them masked.
_NAMES = (
    *("password", "passwd", "passphrase", "passcode", "pwd", "secret", "token", "credential", "authorization"),
    *(f"pass{after}" for after in (*":= '", '"', *"\t\n\\_-0123456789", "new", "old")),
    *(f"{kind}{dash}key" for kind in _KEYS for dash in ("", "-", "_")),
    "amz-signature",
)
_Stars = str | Callable[[re.Match[str]], str]
_RULES: Final[tuple[tuple[tuple[str, ...], re.Pattern[str], _Stars], ...]] = (
    (("private key-----",), _PRIVATE_KEY, "***"),
    ((*_GITHUB, *_GITLAB, "xox", "xapp-", "akia", "asia", "eyj"), _TOKEN, "***"),
    (("authorization", "credential"), _HEADER, _starred),
    (("cookie",), _COOKIE, _pieces_starred),
    (("bearer", "basic"), _BEARER, _starred),
    (_NAMES, _NAMED, _pieces_starred),
    (_ARROWS, _EDITED, _pieces_starred),
    (_NAMES, _ARGUMENT, _pieces_starred),
)
# One of these is in whatever a pattern finds.
_WORDS = (
    *("key", "pass", "secret", "token", "pwd", "credential", "authorization", "bearer", "basic", "cookie"),
    *("amz-", "gh", "gl", "xox", "xapp-", "akia", "asia", "eyj"),
)
_LOOKALIKES = "\u017f\u0130\u0131\u212a"  # equal to s, i or k for a pattern that ignores case, but not in small letters
_NAMES_SECRET = re.compile(rf"(?i)(?:{_NAME}|cookie)$")


def mask(text: str) -> str:
    """``text`` without credentials: of URLs, headers, ``password=…`` and the like, known tokens, private keys."""
    if "://" in text and "@" in text:
        text = _USERINFO.sub("://***@", text)
    lower = text.lower()
    alike = not text.isascii() and any(letter in text for letter in _LOOKALIKES)
    if alike or _holds(lower, _WORDS):
        for words, pattern, stars in _RULES:
            if alike or _holds(lower, words):
                text = pattern.sub(stars, text)
    return text


def names_secret(key: str) -> bool:
    """Whether what is called ``key`` is a secret, as ``DB_PASSWORD`` is."""
    return _NAMES_SECRET.search(key) is not None


def _holds(lower: str, words: tuple[str, ...]) -> bool:
    for word in words:  # noqa: SIM110 any() takes three times as long
        if word in lower:
            return True
    return False


class _Masking(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return mask(super().format(record))


def configure_logging(level: str = "INFO", process: str = "") -> None:
    """Send everything of ``level`` and above to standard error, as ``time level logger: message``.

    Args:
        level: The least.
        process: Put in front of the logger, where several processes write to one log.
    """
    handler = logging.StreamHandler(sys.stderr)
    who = f"[{process}] " if process else ""
    handler.setFormatter(_Masking(f"%(asctime)s %(levelname)s {who}%(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # httpx logs each request at INFO, with its URL: noise at best.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("botocore").setLevel(logging.WARNING)  # it tells where credentials were found, each time
