"""Requests that are no message: INVALID_ARGUMENT, where grpc itself would say UNKNOWN.

grpc calls the deserializer before any code of ours and turns its exception into UNKNOWN, which clients take for a fault
of the server. So the deserializer is replaced by one that never fails, and the method by one that refuses what it left.
Requests that are streams (reflection) stay as they are.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from brain_rca.grpc_api.errors import Refusal

_MALFORMED = object()


class RefuseMalformed(grpc.aio.ServerInterceptor):
    """Wraps every method that takes one message."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler:
        handler = await continuation(handler_call_details)
        if handler is None or handler.request_streaming:
            return handler
        if handler.response_streaming:
            make, method = grpc.unary_stream_rpc_method_handler, handler.unary_stream
        else:
            make, method = grpc.unary_unary_rpc_method_handler, handler.unary_unary
        wrap = _stream if inspect.isasyncgenfunction(method) else _single
        return make(wrap(method), _never_failing(handler.request_deserializer), handler.response_serializer)


def _never_failing(deserialize: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    def deserialized(data: bytes) -> Any:  # noqa: ANN401 - a message of whichever method
        try:
            return deserialize(data)
        except DecodeError:
            return _MALFORMED

    return deserialized


def _single(method: Callable[[Any, Any], Awaitable[Any]]) -> Callable[[Any, Any], Awaitable[Any]]:
    async def guarded(request: Any, context: grpc.aio.ServicerContext) -> Any:  # noqa: ANN401
        if request is _MALFORMED:
            await _refusal().abort(context)
        return await method(request, context)

    return guarded


def _stream(method: Callable[[Any, Any], AsyncIterator[Any]]) -> Callable[[Any, Any], AsyncIterator[Any]]:
    async def guarded(request: Any, context: grpc.aio.ServicerContext) -> AsyncIterator[Any]:  # noqa: ANN401
        if request is _MALFORMED:
            await _refusal().abort(context)
        async for answer in method(request, context):
            yield answer

    return guarded


def _refusal() -> Refusal:
    return Refusal(grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED_REQUEST", "the request is no message of this method")
