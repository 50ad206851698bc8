"""Typed error details: every refusal says why in a form that programs can read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

import grpc
from google.protobuf import any_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

_DOMAIN = "brain_api.rca.v1"


class Refusal(Exception):  # noqa: N818 - becomes the status of the call
    """Ends a call with a status and its details."""

    def __init__(
        self,
        code: grpc.StatusCode,
        reason: str,
        message: str,
        *,
        field: str = "",
        retry_seconds: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        details = [error_details_pb2.ErrorInfo(reason=reason, domain=_DOMAIN, metadata=metadata or {})]
        if field:
            violation = error_details_pb2.BadRequest.FieldViolation(field=field, description=message)
            details.append(error_details_pb2.BadRequest(field_violations=[violation]))
        if retry_seconds is not None:
            delay = Duration()
            delay.FromNanoseconds(int(retry_seconds * 1e9))
            details.append(error_details_pb2.RetryInfo(retry_delay=delay))
        self.status = status_pb2.Status(
            code=getattr(code_pb2, code.name),
            message=message,
            details=[_packed(detail) for detail in details],
        )

    async def abort(self, context: grpc.aio.ServicerContext) -> NoReturn:
        """End the call."""
        await context.abort_with_status(rpc_status.to_status(self.status))
        raise AssertionError("abort returns never")


def _packed(detail: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(detail)
    return packed
