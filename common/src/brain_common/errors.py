"""The exceptions of the product; adapters translate foreign ones into these at the edge.

BrainError
├── ConfigError        a file or setting is wrong; the message quotes the user's key and says what to do
├── InputError         what a client sent is wrong; never retried
├── TemporaryError     may go well later: time-outs, 5xx; carries the server's hint
│   └── UnreachableError   there is no connection: refused, no such name, no route, no TLS
└── PermanentError     will not go well by itself: 401, 403, 404, 422
"""

from __future__ import annotations


class BrainError(Exception):
    """Anything the product raises on purpose."""


class ConfigError(BrainError):
    """A setting or a file given by the user is wrong."""


class InputError(BrainError):
    """Data sent by a client is malformed."""


class TemporaryError(BrainError):
    """May succeed when tried again.

    Args:
        message: What was tried, on what, and what came back.
        retry_after: Seconds the other side asked to wait, if it did.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UnreachableError(TemporaryError):
    """Nobody could be asked: whoever has other questions for the same server need not wait for the same answer."""


class PermanentError(BrainError):
    """Will fail again unless somebody changes something."""
