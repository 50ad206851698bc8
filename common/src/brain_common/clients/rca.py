"""The one client of the RCA service's gRPC API: of the command line, of assistants, and of the processor.

A channel lives for one question: tokens and certificates may have been replaced by the next, and a handshake costs
nothing next to that. Only who has gRPC installed imports this.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc
import grpc.aio

from brain_api.rca.v1 import rca_pb2 as pb
from brain_api.rca.v1 import rca_pb2_grpc
from brain_common.errors import BrainError, ConfigError, InputError, PermanentError, TemporaryError

_PAGE: Final = 50  # incidents
_LARGEST_MESSAGE: Final = 16 << 20  # bytes: the service takes in groups of 8 MiB at most, so one incident always fits
_MOST_SAID: Final = 300  # characters of a refusal
_CODE = grpc.StatusCode
_WRONG: Final = frozenset({_CODE.INVALID_ARGUMENT, _CODE.NOT_FOUND})
_TEMPORARY: Final = frozenset({_CODE.UNAVAILABLE, _CODE.DEADLINE_EXCEEDED, _CODE.ABORTED})
_HINTS: Final = {
    _CODE.UNAUTHENTICATED: "; check the credentials",
    _CODE.PERMISSION_DENIED: "; check the credentials",
    _CODE.UNIMPLEMENTED: "; the service is of an older release",
}

_Call = Callable[[str, object], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class RcaServer:
    """Where the service is, and with which credentials it is called; ``None`` is what was not given.

    Attributes:
        address: ``host:port``.
        tls: Speak TLS, with the authorities of the system unless ``ca_file`` is given.
        ca_file: Authorities (PEM).
        cert_file: Certificate of the client (PEM), for mTLS.
        key_file: Its key (PEM).
        token_file: Holds the bearer token.
        username: For basic auth, where there is no token.
        password_file: Holds its password.
        seconds: For one call.
    """

    address: str
    tls: bool = False
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    token_file: Path | None = None
    username: str | None = None
    password_file: Path | None = None
    seconds: float = 10.0


class RcaClient:
    """Asks one service; its files are read anew for each question.

    Every question raises:
        ConfigError: A file cannot be read, or holds no token or password.
        InputError: The service refuses what was asked, such as an incident that is not there.
        TemporaryError: It does not answer now.
        PermanentError: It does not know or not allow the caller, or is no such service.
    """

    def __init__(self, server: RcaServer) -> None:
        self._server = server
        self._page = _PAGE

    async def incidents(self, most: int, *, only_open: bool) -> list[pb.Incident]:
        """The newest ``most``, newest first."""
        found: list[pb.Incident] = []
        token = ""
        async with self._calling() as call:
            while len(found) < most:
                size = min(self._page, most - len(found))
                request = pb.ListIncidentsRequest(page_size=size, page_token=token, only_open=only_open)
                try:
                    answer = await call("ListIncidents", request)
                except grpc.aio.AioRpcError as error:
                    if error.code() is not _CODE.RESOURCE_EXHAUSTED or size == 1:
                        raise
                    self._page = max(1, size // 4)  # incidents with thousands of alerts: fewer at a time
                    continue
                found += answer.incidents
                token = answer.next_page_token
                if not token:
                    break
        return found[:most]

    async def incident(self, incident_id: str) -> pb.Incident:
        """One incident."""
        return await self._ask("GetIncident", pb.GetIncidentRequest(id=incident_id))

    async def confirm(self, said: pb.FeedbackRequest) -> pb.Incident:
        """Say that an entity was the cause; the incident as it is then."""
        return await self._ask("ConfirmCause", said)

    async def reject(self, said: pb.FeedbackRequest) -> pb.Incident:
        """Say that an entity was not the cause; the incident as it is then."""
        return await self._ask("RejectCause", said)

    async def withdraw(self, said: pb.WithdrawFeedbackRequest) -> pb.Incident:
        """Take back what was said; the incident as it is then."""
        return await self._ask("WithdrawFeedback", said)

    def check(self) -> None:
        """Read the files, so that a wrong path is heard of before the first question.

        Raises:
            ConfigError: One cannot be read, or holds no token or password.
        """
        self._metadata()
        for file in (self._server.ca_file, self._server.cert_file, self._server.key_file):
            _content(file)

    async def _ask(self, method: str, request: object) -> pb.Incident:
        async with self._calling() as call:
            answer: pb.Incident = await call(method, request)
            return answer

    @asynccontextmanager
    async def _calling(self) -> AsyncIterator[_Call]:
        """Calls of methods by name, with the credentials and the time limit."""
        metadata = self._metadata()
        async with self._channel() as channel:
            stub = rca_pb2_grpc.RcaServiceStub(channel)  # type: ignore[no-untyped-call]

            async def call(method: str, request: object) -> Any:  # noqa: ANN401 - each method has its own answer
                return await getattr(stub, method)(request, timeout=self._server.seconds, metadata=metadata)

            try:
                yield call
            except grpc.aio.AioRpcError as error:
                raise self._translated(error) from error

    def _translated(self, error: grpc.aio.AioRpcError) -> BrainError:
        code, said = error.code(), (error.details() or "")[:_MOST_SAID]
        if code in _WRONG:
            return InputError(said)
        text = f"RCA service {self._server.address}: {code.name}: {said}{_HINTS.get(code, '')}"
        return (TemporaryError if code in _TEMPORARY else PermanentError)(text)

    def _channel(self) -> grpc.aio.Channel:
        server = self._server
        options = [("grpc.max_receive_message_length", _LARGEST_MESSAGE)]
        if not server.tls:
            return grpc.aio.insecure_channel(server.address, options)
        files = (_content(file) for file in (server.ca_file, server.key_file, server.cert_file))
        return grpc.aio.secure_channel(server.address, grpc.ssl_channel_credentials(*files), options)

    def _metadata(self) -> tuple[tuple[str, str], ...]:
        if self._server.token_file is not None:
            return (("authorization", f"Bearer {read_token(self._server.token_file)}"),)
        if self._server.password_file is not None:
            pair = f"{self._server.username}:{_password(self._server.password_file)}"
            return (("authorization", f"Basic {base64.b64encode(pair.encode()).decode()}"),)
        return ()


def read_token(file: Path) -> str:
    """The bearer token in a file.

    Raises:
        ConfigError: It cannot be read, or holds none.
    """
    token = _read(file).decode("ascii", "replace").strip()
    if not token or not token.isascii() or not token.isprintable():
        raise ConfigError(f"{file}: holds no bearer token of printable ASCII")
    return token


def _password(file: Path) -> str:
    try:
        password = _read(file).decode().strip()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: is no text") from error
    if not password or not password.isprintable():
        raise ConfigError(f"{file}: holds no password of one line")
    return password


def _content(file: Path | None) -> bytes | None:
    return None if file is None else _read(file)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
