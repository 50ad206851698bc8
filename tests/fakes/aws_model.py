"""An AWS endpoint for tests: answers by botocore's own service model, asks an IAM policy, hands the rest to moto.

Operations moto lacks are answered by functions that a test gives: their input is checked against the service model
and their answer is written as the model says (JSON protocols). Everything else goes to ``upstream`` unchanged. With a
policy, each request needs a statement that allows it, so least-privilege tests are the same for all exporters.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import botocore.session
import httpx
from botocore.validate import ParamValidator

Handler = Callable[[dict[str, Any]], dict[str, Any]]
_SCOPE = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request")
_ACTIONS = {
    "budgets:DescribeBudgets": "budgets:ViewBudget",
    "budgets:DescribeNotificationsForBudget": "budgets:ViewBudget",
}
_ALWAYS = frozenset({"sts:GetCallerIdentity"})  # AWS asks no policy for it


class AwsRefusal(Exception):  # noqa: N818 - an answer
    """Raised by a handler: answered as an error of the service."""

    def __init__(self, code: str, message: str = "", status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


@dataclass(frozen=True, slots=True)
class Call:
    """One request: its IAM action, the ARN it is about, and its input where it was JSON."""

    action: str
    resource: str
    operation: str
    service: str
    access_key: str
    input: dict[str, Any]


@dataclass
class AwsModel:
    """What a running server does; tests change it at any time.

    Attributes:
        handlers: By ``service.Operation``, such as ``ce.GetCostForecast``.
        upstream: URL of moto, for what has no handler; empty: it is refused.
        policy: An IAM policy document; None allows everything.
        calls: What was asked, in order.
    """

    handlers: dict[str, Handler] = field(default_factory=dict)
    upstream: str = ""
    policy: Mapping[str, Any] | None = None
    calls: list[Call] = field(default_factory=list)
    url: str = ""

    def actions(self) -> set[str]:
        """IAM actions that were needed."""
        return {call.action for call in self.calls} - _ALWAYS


def allows(policy: Mapping[str, Any], action: str, resource: str) -> bool:
    """What IAM would say; a Deny wins. Conditions are refused rather than overlooked."""
    allowed = False
    for statement in _list(policy["Statement"]):
        if statement.keys() - {"Sid", "Effect", "Action", "Resource"}:
            raise ValueError(f"cannot judge {sorted(statement)}")
        if _matches(statement["Action"], action.lower(), str.lower) and _matches(statement["Resource"], resource):
            if statement["Effect"] == "Deny":
                return False
            allowed = True
    return allowed


@contextmanager
def aws_model(
    handlers: Mapping[str, Handler] | None = None, *, upstream: str = "", policy: Mapping[str, Any] | None = None
) -> Iterator[AwsModel]:
    """Serve on a loopback port while the block runs."""
    model = AwsModel(dict(handlers or {}), upstream, policy)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Request,), {"model": model}))
    server.daemon_threads = True
    model.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield model
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Request(BaseHTTPRequestHandler):
    model: AwsModel
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Nothing: a test says itself what went wrong."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        call = _read(self.command, self.path, self.headers, body)
        self.model.calls.append(call)
        policy = self.model.policy
        handler = self.model.handlers.get(f"{call.service}.{call.operation}")
        try:
            if policy is not None and call.action not in _ALWAYS and not allows(policy, call.action, call.resource):
                raise AwsRefusal("AccessDenied", f"not authorized to perform: {call.action} on {call.resource}", 403)
            if handler is not None:
                self._answer(200, _answer(call, handler))
            elif self.model.upstream:
                self._forward(body)
            else:
                raise AwsRefusal("UnknownOperationException", f"no handler for {call.service}.{call.operation}")
        except AwsRefusal as refusal:
            self._refuse(call, refusal)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = _serve  # noqa: N815 - names of http.server

    def _answer(self, status: int, body: bytes, kind: str = "application/x-amz-json-1.1") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _refuse(self, call: Call, refusal: AwsRefusal) -> None:
        code, text = refusal.code, str(refusal)
        if self.headers.get("X-Amz-Target"):
            self._answer(refusal.status, json.dumps({"__type": code, "message": text}).encode())
            return
        error = f"<Code>{code}</Code><Message>{text}</Message>"
        xml = f"<Error>{error}</Error>" if call.service == "s3" else _query_error(error)
        self._answer(refusal.status, xml.encode(), "text/xml")

    def _forward(self, body: bytes) -> None:
        headers = [(name, value) for name, value in self.headers.items() if name.lower() not in ("host", "connection")]
        url = f"{self.model.upstream}{self.path}"
        with httpx.Client(trust_env=False, timeout=60) as client:
            answer = client.request(self.command, url, headers=headers, content=body)
        self.send_response(answer.status_code)
        for name, value in answer.headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "content-encoding", "date"):
                self.send_header(name, value)
        length = len(answer.content) if self.command != "HEAD" else answer.headers.get("content-length", "0")
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(answer.content)


def _read(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Call:
    scope = _SCOPE.search(headers.get("Authorization") or "")
    access_key, service = (scope[1], scope[3]) if scope else ("", "")
    target = headers.get("X-Amz-Target") or ""
    if target:
        operation, given = target.rpartition(".")[2], json.loads(body or b"{}")
        action = f"{service}:{operation}"
        return Call(_ACTIONS.get(action, action), "*", operation, service, access_key, given)
    if service == "s3":
        operation, resource = _s3(method, path)
        return Call(f"s3:{operation}", resource, operation, service, access_key, {})
    form = {key: values[0] for key, values in parse_qs(body.decode()).items()}
    operation = form.get("Action", "")
    return Call(f"{service}:{operation}", form.get("RoleArn", "*"), operation, service, access_key, form)


def _s3(method: str, path: str) -> tuple[str, str]:
    parts = urlsplit(path)
    bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
    if not key:
        return ("ListBucket" if method in ("GET", "HEAD") else "CreateBucket"), f"arn:aws:s3:::{bucket}"
    names = {"GET": "GetObject", "HEAD": "GetObject", "PUT": "PutObject", "DELETE": "DeleteObject"}
    return names.get(method, method), f"arn:aws:s3:::{bucket}/{key}"


@cache
def _service(name: str) -> Any:
    return botocore.session.get_session().get_service_model(name)


def _answer(call: Call, handler: Handler) -> bytes:
    model = _service(call.service).operation_model(call.operation)
    if model.input_shape is not None:
        report = ParamValidator().validate(call.input, model.input_shape)
        if report.has_errors():
            raise AwsRefusal("ValidationException", report.generate_report())
    return json.dumps(_written(handler(call.input), model.output_shape)).encode()


def _written(value: Any, shape: Any) -> Any:
    """An answer as the JSON protocols write it; a member the model does not know is the test's mistake."""
    if shape is None or value is None:
        return value
    if shape.type_name == "structure":
        return {name: _written(item, shape.members[name]) for name, item in value.items()}
    if shape.type_name == "list":
        return [_written(item, shape.member) for item in value]
    if shape.type_name == "map":
        return {name: _written(item, shape.value) for name, item in value.items()}
    if shape.type_name == "timestamp" and isinstance(value, datetime):
        return value.timestamp()
    if shape.type_name == "blob":
        return base64.b64encode(value).decode()
    return value


def _query_error(error: str) -> str:
    return f"<ErrorResponse><Error><Type>Sender</Type>{error}</Error><RequestId>1</RequestId></ErrorResponse>"


def _matches(patterns: Any, value: str, fold: Callable[[str], str] = str) -> bool:
    return any(value == "*" or fnmatchcase(value, fold(pattern)) for pattern in _list(patterns))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
