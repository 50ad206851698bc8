"""An API server on loopback that fails as the real one cannot be made to: each request takes the next answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

Answer = Callable[[socket.socket, str], None]


def plain(body: str, status: int = 200, headers: str = "") -> Answer:
    """A whole answer."""

    def send(connection: socket.socket, _: str) -> None:
        data = body.encode()
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(data)}\r\nConnection: close\r\n{headers}\r\n"
        connection.sendall(head.encode() + data)

    return send


def lines(*texts: str, cut: bool = False, hold: threading.Event | None = None) -> Answer:
    """A watch: each text is a chunk; then it ends, or breaks when ``cut``, or stays open until ``hold`` is set."""

    def send(connection: socket.socket, _: str) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
        for text in texts:
            data = text.encode()
            connection.sendall(b"%x\r\n%b\r\n" % (len(data), data))
        if hold is not None:
            hold.wait(30)
        if not cut:
            connection.sendall(b"0\r\n\r\n")

    return send


class FakeApi:
    """Gives its answers in order, the last one again and again; notes what was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.asked: list[str] = []
        self._answers = list(answers)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> FakeApi:
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with connection:
            head = b""
            while b"\r\n\r\n" not in head:
                part = connection.recv(65536)
                if not part:
                    return
                head += part
            self.asked.append(head.decode().split(" ", 2)[1])
            answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
            try:
                answer(connection, self.asked[-1])
            except OSError:
                return
