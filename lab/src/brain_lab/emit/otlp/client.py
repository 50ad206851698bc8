"""Sends OTLP requests to a Collector or anything else that takes them, over gRPC or HTTP.

Called by the live mode of the lab. One attempt each: retrying is the caller's, who knows `brain_common.retry`. Which
errors may pass is what https://opentelemetry.io/docs/specs/otlp/#failures says.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import httpx

from brain_common.errors import PermanentError, TemporaryError
from brain_lab.emit.otlp.files import Message

if TYPE_CHECKING:
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_LOGS: Final = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
_TRACES: Final = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_RETRYABLE_CODES: Final = frozenset(
    {"CANCELLED", "DEADLINE_EXCEEDED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS"}
)
_RETRYABLE_STATUS: Final = frozenset({429, 502, 503, 504})
TIMEOUT: Final = 10.0
"""Seconds for one request; the default of OTLP exporters."""

Answer = TypeVar("Answer")


class OtlpClient(Protocol):
    """Where requests go."""

    async def send_logs(self, request: ExportLogsServiceRequest) -> int:
        """Send log records; returns how many of them the server rejected.

        Raises:
            TemporaryError: It may take them later; with the server's hint.
            PermanentError: It never will.
        """

    async def send_traces(self, request: ExportTraceServiceRequest) -> int:
        """Send spans; like `send_logs`."""

    async def close(self) -> None:
        """Give up the connection."""


class GrpcOtlpClient:
    """OTLP/gRPC without TLS, for servers on loopback.

    Args:
        target: `host:port`, usually of port 4317.
    """

    def __init__(self, target: str) -> None:
        self._target = target
        self._channel: Any = None  # belongs to the event loop it is made in: that of the first request

    async def send_logs(self, request: ExportLogsServiceRequest) -> int:
        """See `OtlpClient`."""
        from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

        answer = await self._call(_LOGS, request, ExportLogsServiceResponse.FromString)
        return answer.partial_success.rejected_log_records

    async def send_traces(self, request: ExportTraceServiceRequest) -> int:
        """See `OtlpClient`."""
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

        answer = await self._call(_TRACES, request, ExportTraceServiceResponse.FromString)
        return answer.partial_success.rejected_spans

    async def close(self) -> None:
        """See `OtlpClient`."""
        if self._channel is not None:
            await self._channel.close()

    async def _call(self, method: str, request: Message, parse: Callable[[bytes], Answer]) -> Answer:
        import grpc

        if self._channel is None:
            self._channel = grpc.aio.insecure_channel(self._target, compression=grpc.Compression.Gzip)
        call = self._channel.unary_unary(
            method, request_serializer=lambda message: message.SerializeToString(), response_deserializer=parse
        )
        try:
            answer: Answer = await call(request, timeout=TIMEOUT)
        except grpc.aio.AioRpcError as error:
            raise _grpc_error(self._target, error) from error
        return answer


class HttpOtlpClient:
    """OTLP/HTTP with binary protobuf, gzipped.

    Args:
        base_url: Without the path, usually of port 4318.
    """

    def __init__(self, base_url: str) -> None:
        self._client = httpx.AsyncClient(base_url=base_url, timeout=TIMEOUT, trust_env=False)

    async def send_logs(self, request: ExportLogsServiceRequest) -> int:
        """See `OtlpClient`."""
        from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

        answer = ExportLogsServiceResponse.FromString(await self._post("/v1/logs", request))
        return answer.partial_success.rejected_log_records

    async def send_traces(self, request: ExportTraceServiceRequest) -> int:
        """See `OtlpClient`."""
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

        answer = ExportTraceServiceResponse.FromString(await self._post("/v1/traces", request))
        return answer.partial_success.rejected_spans

    async def close(self) -> None:
        """See `OtlpClient`."""
        await self._client.aclose()

    async def _post(self, path: str, request: Message) -> bytes:
        headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}
        body = gzip.compress(request.SerializeToString(), compresslevel=1)
        server = self._client.base_url.netloc.decode()
        try:
            response = await self._client.post(path, content=body, headers=headers)
        except httpx.TransportError as error:
            raise TemporaryError(f"{server}: {error or type(error).__name__}") from error
        if response.is_success:
            return response.content
        message = f"{server}{path}: status {response.status_code}"
        if response.status_code in _RETRYABLE_STATUS:
            hint = response.headers.get("Retry-After", "")
            raise TemporaryError(message, float(hint) if hint.isdecimal() else None)
        raise PermanentError(message)


def _grpc_error(target: str, error: Any) -> TemporaryError | PermanentError:  # noqa: ANN401 - grpc has no types
    message = f"{target}: {error.code().name}: {error.details()}"
    hint = _retry_delay(error)
    if error.code().name in _RETRYABLE_CODES or (error.code().name == "RESOURCE_EXHAUSTED" and hint is not None):
        return TemporaryError(message, hint)
    return PermanentError(message)


def _retry_delay(error: Any) -> float | None:  # noqa: ANN401 - grpc has no types
    """Seconds of the RetryInfo in the status, if there is one."""
    from google.rpc.error_details_pb2 import RetryInfo
    from grpc_status import rpc_status

    status = rpc_status.from_call(error)
    for detail in status.details if status is not None else ():
        info = RetryInfo()
        if detail.Unpack(info):
            return float(info.retry_delay.seconds + info.retry_delay.nanos / 1e9)
    return None
