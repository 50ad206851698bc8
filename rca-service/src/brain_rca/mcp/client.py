"""What the tools ask of the running service, over gRPC; only its reading methods.

A channel lives for one question: a token or a certificate may have been replaced by the next.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import grpc
import grpc.aio

from brain_api.rca.v1 import rca_pb2 as pb
from brain_api.rca.v1 import rca_pb2_grpc
from brain_common.errors import ConfigError, InputError, PermanentError, TemporaryError

_LARGEST_MESSAGE: Final = 16 << 20  # bytes: the service takes in groups of 8 MiB at most, so one incident always fits
_SECONDS: Final = 10.0  # for one answer
_TEMPORARY: Final = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})
_WRONG: Final = frozenset({grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND})

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads from one service.

    Attributes:
        address: ``host:port`` of its gRPC API.
        token_file: Holds the bearer token, read for each question; none is sent when absent.
        ca_file: Certificates to trust; TLS is spoken when given.
    """

    address: str
    token_file: Path | None = None
    ca_file: Path | None = None

    async def incidents(self, size: int, *, only_open: bool) -> Sequence[pb.Incident]:
        """The newest ``size``, newest first.

        Raises:
            TemporaryError: The service does not answer now.
            PermanentError: It refuses the credential, or is no such service.
        """
        request = pb.ListIncidentsRequest(page_size=size, only_open=only_open)
        answer = await self._ask(
            lambda stub, metadata: stub.ListIncidents(request, timeout=_SECONDS, metadata=metadata)
        )
        return list(answer.incidents)

    async def incident(self, incident_id: str) -> pb.Incident:
        """One incident.

        Raises:
            InputError: There is none of this id.
            TemporaryError, PermanentError: As of ``incidents``.
        """
        request = pb.GetIncidentRequest(id=incident_id)
        return await self._ask(lambda stub, metadata: stub.GetIncident(request, timeout=_SECONDS, metadata=metadata))

    async def _ask(
        self, question: Callable[[rca_pb2_grpc.RcaServiceStub, tuple[tuple[str, str], ...]], Awaitable[Answer]]
    ) -> Answer:
        metadata = self._metadata()
        async with self._channel() as channel:
            try:
                return await question(rca_pb2_grpc.RcaServiceStub(channel), metadata)  # type: ignore[no-untyped-call]
            except grpc.aio.AioRpcError as error:
                raise self._translated(error) from error

    def _translated(self, error: grpc.aio.AioRpcError) -> InputError | TemporaryError | PermanentError:
        said = (error.details() or "")[:300]
        if error.code() in _WRONG:
            return InputError(said)
        kind = TemporaryError if error.code() in _TEMPORARY else PermanentError
        return kind(f"RCA service {self.address}: {error.code().name}: {said}")

    def _channel(self) -> grpc.aio.Channel:
        options = [("grpc.max_receive_message_length", _LARGEST_MESSAGE)]
        if self.ca_file is None:
            return grpc.aio.insecure_channel(self.address, options)
        credentials = grpc.ssl_channel_credentials(read_file(self.ca_file))
        return grpc.aio.secure_channel(self.address, credentials, options)

    def _metadata(self) -> tuple[tuple[str, str], ...]:
        if self.token_file is None:
            return ()
        return (("authorization", f"Bearer {read_token(self.token_file)}"),)


def read_token(file: Path) -> str:
    """The bearer token in a file.

    Raises:
        ConfigError: It cannot be read, or holds none.
    """
    token = read_file(file).decode("ascii", "replace").strip()
    if not token or not token.isascii() or not token.isprintable():
        raise ConfigError(f"{file}: holds no bearer token of printable ASCII")
    return token


def read_file(file: Path) -> bytes:
    """A small file.

    Raises:
        ConfigError: It cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
