"""A connection with bounded patience: uvicorn's, plus limits on what comes before the application is asked.

httptools reads the head of a request whatever its length, and uvicorn waits for it without end. Either would let
whoever reaches the port fill the memory or the table of open files before any credential is looked at. Used by
``http.py``; how large and how slow a body may be is the business of the application (``body.py``).
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LONGEST_HEAD = 64 * 1024  # bytes of request line and headers; Alertmanager and browsers send less than 8 KiB
SLOWEST_HEAD = 20.0  # seconds from the first moment of a connection, or the first byte of a later request
SLOWEST_REST = 20.0  # seconds that a body may go on after its request was answered: it is read and dropped


class BoundedConnection(HttpToolsProtocol):
    """Ends a connection whose request head is too long or too slow, and one whose body goes on after the answer."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - handed on to uvicorn
        super().__init__(*args, **options)
        self._unparsed = 0  # bytes that came since the parser last gave something to the application
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await(SLOWEST_HEAD)

    def connection_lost(self, exc: Exception | None) -> None:
        self._came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unparsed += len(data)
        super().data_received(data)
        if self._unparsed > LONGEST_HEAD and not self.transport.is_closing():
            self._refuse()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._timer is None:
            self._await(SLOWEST_HEAD)

    def on_headers_complete(self) -> None:
        self._unparsed = 0
        self._came()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unparsed = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unparsed = 0
        self._came()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.more_body and self._timer is None:
            self._await(SLOWEST_REST)

    def _await(self, seconds: float) -> None:
        self._timer = self.loop.call_later(seconds, self.transport.close)

    def _came(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self) -> None:
        """Nothing is said into an answer under way: then it is a trailer that is too long."""
        if self.cycle is None or self.cycle.response_complete:
            self.send_400_response(f"The head of the request has more than {LONGEST_HEAD} bytes.")
        else:
            self.transport.close()
