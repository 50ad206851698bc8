"""A client of the service's gRPC API: where it is, who calls, and its refusals as errors of ours."""

from __future__ import annotations

import base64
import contextlib
import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brain_common.errors import BrainError, ConfigError, InputError, PermanentError, TemporaryError

if TYPE_CHECKING:
    import grpc

    from brain_api.rca.v1.rca_pb2_grpc import RcaServiceStub

TIMEOUT = 15.0
"""Seconds that a call may take; nobody waits longer for an answer in a terminal."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where the service is, and with which credentials it is called; ``None`` is what was not given."""

    address: str
    tls: bool = False
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    token_file: Path | None = None
    username: str | None = None
    password_file: Path | None = None

    @property
    def secure(self) -> bool:
        return self.tls or self.ca_file is not None or self.cert_file is not None


@contextlib.contextmanager
def calling(server: Server) -> Iterator[RcaServiceStub]:
    """A stub whose calls carry the credentials and end in time.

    Raises:
        ConfigError: The options do not fit together, or a file cannot be read.
        InputError: The service refused what was asked.
        PermanentError: The service does not know or not allow the caller.
        TemporaryError: The service cannot be reached.
    """
    import grpc

    from brain_api.rca.v1.rca_pb2_grpc import RcaServiceStub

    metadata = _metadata(server)
    with _channel(server) as channel:
        intercepted = grpc.intercept_channel(channel, _interceptor(metadata))
        try:
            yield RcaServiceStub(intercepted)  # type: ignore[no-untyped-call]
        except grpc.RpcError as error:
            raise _translated(error, server.address) from error


def _metadata(server: Server) -> tuple[tuple[str, str], ...]:
    if server.token_file is not None and server.username is not None:
        raise ConfigError("--token-file, --username: give one of them")
    if (server.username is None) != (server.password_file is None):
        raise ConfigError("--username, --password-file: give both")
    if server.token_file is not None:
        value = f"Bearer {_secret(server.token_file)}"
    elif server.password_file is not None:
        pair = f"{server.username}:{_secret(server.password_file)}"
        value = f"Basic {base64.b64encode(pair.encode()).decode()}"
    else:
        return ()
    if not server.secure and not _is_loopback(server.address):
        raise ConfigError(f"--server {server.address}: credentials would travel in plain text; use --tls or --ca-file")
    return (("authorization", value),)


def _secret(path: Path) -> str:
    try:
        secret = _read(path).decode().strip()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is no text") from error
    if not secret or not secret.isprintable():
        raise ConfigError(f"{path}: holds no token or password of one line")
    return secret


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error


def _is_loopback(address: str) -> bool:
    host = address.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _channel(server: Server) -> grpc.Channel:
    import grpc

    if not server.secure:
        return grpc.insecure_channel(server.address)
    if (server.cert_file is None) != (server.key_file is None):
        raise ConfigError("--cert-file, --key-file: give both")
    files = [None if path is None else _read(path) for path in (server.ca_file, server.key_file, server.cert_file)]
    return grpc.secure_channel(server.address, grpc.ssl_channel_credentials(*files))


def _interceptor(metadata: tuple[tuple[str, str], ...]) -> grpc.UnaryUnaryClientInterceptor[Any, Any]:
    import grpc

    class Calling(grpc.UnaryUnaryClientInterceptor):
        """Adds the credentials and the time limit to each call."""

        def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:  # noqa: ANN401
            return continuation(details._replace(metadata=metadata, timeout=TIMEOUT), request)

    return Calling()


def _translated(error: grpc.RpcError, address: str) -> BrainError:
    import grpc

    code, text = error.code(), error.details() or ""
    if code in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND):
        return InputError(text)
    if code in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
        return PermanentError(f"{address}: {text}; credentials: --token-file, or --username with --password-file")
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return PermanentError(f"{address}: this service is of an older release: {text}")
    return TemporaryError(f"{address}: {text or code.name}")
