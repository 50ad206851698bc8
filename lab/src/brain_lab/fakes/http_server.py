"""An HTTP server on a loopback port, in threads, that misbehaves on request.

Used by the fakes of Grafana, Alertmanager and webhook receivers; by tests and by benches. It speaks HTTP/1.1
with keep-alive, records every request, and can fail, hang, redirect, or carry out a request and lose the
answer. It is for loopback and short runs: it keeps every request in memory.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

LONGEST_HANG = 60.0  # seconds; a forgotten hang must not outlive a test run


@dataclass(frozen=True)
class Recorded:
    """One request as it came in, and the status it got (0: the answer was lost)."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    status: int
    at: float  # seconds since the epoch, when it was carried out

    @property
    def json(self) -> Any:  # noqa: ANN401 - JSON holds anything
        return json.loads(self.body)


@dataclass
class Trouble:
    """What goes wrong with the next ``times`` requests of ``method``; without them, with all of any method."""

    kind: str  # "status" | "hang" | "lose" | "delay"
    method: str | None = None
    times: int | None = None
    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Answer:
    """A status, a JSON body, headers."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


Application = Callable[[str, str, str, Mapping[str, str], bytes], Answer]


class FakeServer:
    """Runs an application until stopped.

    Attributes:
        requests: Every request so far, in the order they were carried out.
    """

    def __init__(self, application: Application, port: int = 0) -> None:
        self._application = application
        self._port = port
        self._lock = threading.Lock()
        self._troubles: list[Trouble] = []
        self._released = threading.Event()
        self._connections: set[socket.socket] = set()
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None
        self.requests: list[Recorded] = []

    @property
    def url(self) -> str:
        """``http://127.0.0.1:<port>``; the port stays the same after a restart."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listen; requests are served from other threads."""
        self._server = _Server(("127.0.0.1", self._port), _handler(self))
        self._port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def stop(self) -> None:
        """Close the port and every connection; what the application knows stays."""
        if self._server is None or self._thread is None:
            return
        self._released.set()
        self._server.shutdown()
        self._thread.join()
        with self._lock:
            for connection in self._connections:
                _shut(connection)
        self._server.server_close()
        self._server = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def fail(
        self,
        status: int,
        *,
        method: str | None = None,
        times: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: object = None,
    ) -> None:
        """Answer with ``status`` without carrying the request out; ``headers`` and ``body`` are the answer's."""
        self._trouble(Trouble("status", method, times, status=status, headers=headers or {}, body=body))

    def hang(self, *, method: str | None = None, times: int | None = None) -> None:
        """Never answer and never carry out, until ``heal``."""
        self._trouble(Trouble("hang", method, times))

    def lose_answer(self, *, method: str | None = None, times: int | None = 1) -> None:
        """Carry out, then cut the connection instead of answering."""
        self._trouble(Trouble("lose", method, times))

    def delay(self, seconds: float) -> None:
        """Answer everything only after ``seconds``."""
        self._trouble(Trouble("delay", seconds=seconds))

    def heal(self) -> None:
        """Forget all troubles and let go of requests that hang."""
        with self._lock:
            self._troubles.clear()
            self._released.set()
            self._released = threading.Event()

    def of(self, method: str) -> list[Recorded]:
        """The recorded requests with ``method``."""
        with self._lock:
            return [request for request in self.requests if request.method == method]

    def _trouble(self, trouble: Trouble) -> None:
        with self._lock:
            self._troubles.append(trouble)

    def _next_trouble(self, method: str) -> Trouble | None:
        with self._lock:
            for trouble in self._troubles:
                if trouble.method in (None, method) and trouble.times != 0:
                    if trouble.times is not None:
                        trouble.times -= 1
                    return trouble
        return None

    def serve(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer | None:
        """Called by the handler's thread; None: cut the connection."""
        url = urlsplit(target)
        trouble = self._next_trouble(method)
        if trouble and trouble.kind == "hang":
            self._released.wait(LONGEST_HANG)
            return None
        if trouble and trouble.kind == "delay":
            self._released.wait(trouble.seconds)
        if trouble and trouble.kind == "status":
            answer: Answer | None = Answer(trouble.status, trouble.body or {"message": "trouble"}, trouble.headers)
        else:
            answer = self._carry_out(method, url.path, url.query, headers, body)
        if trouble and trouble.kind == "lose":
            answer = None
        status = 0 if answer is None else answer.status
        with self._lock:
            self.requests.append(Recorded(method, url.path, url.query, headers, body, status, time.time()))
        return answer

    def _carry_out(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Answer:
        with self._lock:
            return self._application(method, path, query, headers, body)

    def opened(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.add(connection)

    def closed(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.discard(connection)


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # server_close joins them, so that no thread outlives its test
    allow_reuse_address = True
    request_queue_size = 128


def _handler(fake: FakeServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            fake.opened(self.connection)

        def finish(self) -> None:
            fake.closed(self.connection)
            super().finish()

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:
                self.close_connection = True  # the client went away, or the server is being stopped

        def log_message(self, *_: object) -> None:
            pass

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = fake.serve(self.command, self.path, headers, body)
            if answer is None:
                self.close_connection = True
                _shut(self.connection)
                return
            self._send(answer)

        def _send(self, answer: Answer) -> None:
            payload = b"" if answer.body is None else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815

    return Handler


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # already gone
