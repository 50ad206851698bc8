"""nginx: the `combined` access log with the request time, and its error log.

https://nginx.org/en/docs/http/ngx_http_log_module.html and https://nginx.org/en/docs/ngx_core_module.html#error_log
"""

from __future__ import annotations

from typing import Final

from brain_lab.emit.logs.fault import LogFault
from brain_lab.emit.logs.program import Program
from brain_lab.emit.logs.template import Template
from brain_lab.emit.records import Severity
from brain_lab.emit.text import clean

_UPSTREAM: Final = (
    ', client: {client_ip}, server: {service}, request: "{method} {path} HTTP/1.1", '
    'upstream: "http://{peer_ip}:{port}{path}", host: "{host}"'
)


def escaped(text: str) -> str:
    """Text as `escape=default` writes a variable: `"`, `\\` and what is not printable ASCII become `\\xHH`."""
    raw = clean(text).encode()
    return "".join(chr(b) if 32 <= b < 127 and b not in b'"\\' else f"\\x{b:02X}" for b in raw)


def _access(status: str, severity: Severity, weight: float = 1.0) -> Template:
    text = f'{{client_ip}} - - [{{nginx_time}}] "{{method}} {{path}} HTTP/1.1" {{{status}}} {{bytes_out}} "-" "{{agent}}" {{seconds}}'
    fields = (("method", "http.request.method"), ("path", "url.path"), (status, "http.response.status_code"))
    return Template(text, severity, weight, fields)


def _error(message: str, severity: Severity = Severity.ERROR, level: str = "error", tail: str = _UPSTREAM) -> Template:
    return Template(f"{{nginx_error_time}} [{level}] 29#29: *{{offset}} {message}{tail}", severity)


PROGRAM: Final = Program(
    "nginx",
    usual=(_access("status", Severity.INFO),),
    failed=(_access("failed_status", Severity.ERROR),),
    faults={
        LogFault.CONNECTION_REFUSED: (
            _error("connect() failed (111: Connection refused) while connecting to upstream"),
        ),
        LogFault.TIMEOUT: (
            _error("upstream timed out (110: Operation timed out) while reading response header from upstream"),
        ),
        LogFault.NETWORK_LOSS: (
            _error("recv() failed (104: Connection reset by peer) while reading response header from upstream"),
        ),
        LogFault.NXDOMAIN: (_error("{host} could not be resolved (3: Host not found)"),),
        LogFault.CERTIFICATE_EXPIRED: (
            _error(
                "upstream SSL certificate verify error: (10:certificate has expired) while SSL handshaking to upstream"
            ),
        ),
        LogFault.RATE_LIMITED: (
            _error(
                'limiting requests, excess: 20.{count} by zone "api"',
                Severity.WARN,
                "warn",
                _UPSTREAM.split(", upstream")[0],
            ),
        ),
        LogFault.NO_SPACE: (
            _error(
                'pwrite() "/var/cache/nginx/{short_hex}" failed (28: No space left on device)', Severity.FATAL, "crit"
            ),
        ),
        LogFault.POOL_EXHAUSTED: (_error("1024 worker_connections are not enough", Severity.FATAL, "alert", ""),),
    },
    escape=escaped,
)
