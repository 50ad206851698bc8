"""What may go wrong with a server the lab starts; part of the product's tree of exceptions.

PermanentError
├── ServerMissing      no such program on this machine; the message says how to get it
└── ServerFailed       it started and exited, never became ready, or refused to set itself up
    └── AddressInUse   somebody else took the port first; worth another try on another port
"""

from __future__ import annotations

from brain_common.errors import PermanentError


class ServerMissing(PermanentError):  # noqa: N818 - reads better in `except`
    """The program is not on this machine."""


class ServerFailed(PermanentError):  # noqa: N818
    """The program is there and did not come up; the message ends with the last lines of its log."""


class AddressInUse(ServerFailed):
    """The port was free when it was chosen and taken when the server bound it."""
