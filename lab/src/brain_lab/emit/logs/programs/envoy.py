"""The sidecar of Istio: Envoy's access log in Istio's default text format.

https://istio.io/latest/docs/tasks/observability/logs/access-log/#default-access-log-format; response flags such as UF,
UH, UT, NC and RL are those of https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage
"""

from __future__ import annotations

from typing import Final

from brain_lab.emit.logs.fault import LogFault
from brain_lab.emit.logs.program import Program
from brain_lab.emit.logs.template import Template
from brain_lab.emit.records import Severity


def _access(
    status: str, flags: str, details: str, severity: Severity, failure: str = "-", weight: float = 1.0
) -> Template:
    code = f"{{{status}}}" if status.isidentifier() else status
    text = (
        f'[{{iso}}] "{{method}} {{path}} HTTP/1.1" {code} {flags} {details} - "{failure}" {{bytes_in}} {{bytes_out}} {{ms}} - '
        '"-" "{agent}" "{uuid}" "{peer}:{port}" "{peer_ip}:{port}" outbound|{port}||{host} {ip}:{high_port} '
        "{peer_ip}:{port} {ip}:{high_port} - default"
    )
    fields = (("method", "http.request.method"), ("path", "url.path"))
    if status.isidentifier():
        return Template(text, severity, weight, (*fields, (status, "http.response.status_code")))
    tags = {"http.response.status_code": status, "envoy.response_flags": flags}
    return Template(text, severity, weight, fields, tags)


PROGRAM: Final = Program(
    "envoy",
    usual=(_access("status", "-", "via_upstream", Severity.INFO),),
    failed=(_access("failed_status", "-", "via_upstream", Severity.ERROR),),
    faults={
        LogFault.CONNECTION_REFUSED: (
            _access(
                "503",
                "UF",
                "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_111}",
                Severity.ERROR,
                "delayed_connect_error:_111",
            ),
            _access("503", "UH", "no_healthy_upstream", Severity.ERROR),
        ),
        LogFault.TIMEOUT: (_access("504", "UT", "upstream_response_timeout", Severity.ERROR),),
        LogFault.NETWORK_LOSS: (_access("503", "UC", "upstream_reset_before_response_started", Severity.ERROR),),
        LogFault.NXDOMAIN: (_access("503", "UH,NC", "cluster_not_found", Severity.ERROR),),
        LogFault.CERTIFICATE_EXPIRED: (
            _access(
                "503",
                "UF",
                "upstream_reset_before_response_started",
                Severity.ERROR,
                "TLS_error:|268435581:SSL_routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:"
                "verify_cert_failed:_certificate_has_expired",
            ),
        ),
        LogFault.RATE_LIMITED: (_access("429", "RL", "local_rate_limited", Severity.WARN),),
        LogFault.POOL_EXHAUSTED: (
            _access("503", "UO", "upstream_reset_before_response_started", Severity.ERROR, "overflow"),
        ),
        LogFault.ACCESS_DENIED: (_access("403", "-", "rbac_access_denied_matched_policy[none]", Severity.WARN),),
    },
)
