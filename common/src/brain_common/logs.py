"""Logging to standard error, one line an event, with secrets masked whoever logs them."""

from __future__ import annotations

import logging
import re
import sys

_KEY = r"(?:password|passwd|secret|token|api[_-]?key)['\"]?\s*"
# "bearer.token: …" and "/etc/token: …" are ours: a setting or a file, and what is wrong with it.
_SECRET = re.compile(
    r"(?i)(authorization['\"]?\s*[:=]\s*['\"]?(?:bearer|basic)?\s*|bearer\s+|basic\s+(?=[a-z0-9+/=]{8})"
    rf"|{_KEY}=\s*['\"]?|(?<![\w./-])[\w-]*{_KEY}:\s*['\"]?)[^\s'\",;&)}}]+"
)
# One of these is in whatever _SECRET finds; it is slow, and of a million lines hardly any holds one.
_WORDS = ("authorization", "bearer", "basic", "password", "passwd", "secret", "token", "apikey", "api_key", "api-key")
_LOOKALIKES = "\u017f\u0130\u0131\u212a"  # equal to s, i or k for a pattern that ignores case, but not in small letters
_USERINFO = re.compile(r"(?<=://)[^/\s]+@")  # to the last @: a password may hold one


def mask(text: str) -> str:
    """``text`` without credentials: user info in URLs, bearer and basic tokens, ``password=…`` and the like."""
    if "://" in text:
        text = _USERINFO.sub("***@", text)
    return _SECRET.sub(lambda match: match[1] + "***", text) if _may_hold_secret(text) else text


def _may_hold_secret(text: str) -> bool:
    lower = text.lower()
    return any(word in lower for word in _WORDS) or (
        not text.isascii() and any(letter in text for letter in _LOOKALIKES)
    )


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
