"""Running an ASGI application by uvicorn inside an event loop that is ours."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import AsyncIterator, Iterator

import uvicorn
from starlette.types import ASGIApp

from brain_common.errors import ConfigError
from brain_common.serving.config import ListenSettings
from brain_common.serving.connection import BoundedConnection
from brain_common.serving.tls import check_tls

_IDLE = 20  # seconds a connection may idle between requests
_BACKLOG = 2048


class CannotListenError(ConfigError):
    """The address is taken, not this machine's, or not allowed; ``problem`` says so without the key."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(f"{key}: {problem}")
        self.problem = problem


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the process has one place that ends it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bind(settings: ListenSettings, key: str = "http") -> socket.socket:
    """A listening socket.

    Args:
        settings: Where.
        key: Of these settings in the configuration, for messages.

    Raises:
        CannotListenError: The address cannot be bound; names the setting to change.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        setting = "port" if error.errno in (errno.EADDRINUSE, errno.EACCES) else "host"
        problem = f"cannot listen on {settings.host}:{settings.port}: {error.strerror}"
        raise CannotListenError(f"{key}.{setting}", problem) from error
    listener.listen(_BACKLOG)
    return listener


@contextlib.asynccontextmanager
async def serving(
    app: ASGIApp, settings: ListenSettings, key: str = "http", *, context: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Serve ``app`` while the block runs; yields the port. Running requests get 10 s to finish at the end.

    Args:
        app: What answers.
        settings: Where to listen.
        key: Of these settings in the configuration, for messages.
        context: Serve TLS by this one, instead of by what the settings say.

    Raises:
        CannotListenError: The address cannot be bound.
        ConfigError: The TLS files cannot be used.
    """
    tls = settings.tls
    if tls:
        check_tls(tls, f"{key}.tls")
    listener = bind(settings, key)
    config = uvicorn.Config(
        app,
        http=BoundedConnection,
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_keep_alive=_IDLE,
        timeout_graceful_shutdown=10,
        ssl_certfile=tls.cert_file if tls else None,
        ssl_keyfile=tls.key_file if tls else None,
        ssl_ca_certs=str(tls.client_ca_file) if tls and tls.client_ca_file else None,
        ssl_context_factory=(lambda *_: context) if context else None,
        ssl_cert_reqs=ssl.CERT_REQUIRED if tls and tls.client_ca_file else ssl.CERT_NONE,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]), name="http")
    try:
        yield int(listener.getsockname()[1])
    finally:
        server.should_exit = True
        await task
        listener.close()
