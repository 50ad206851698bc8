"""How Java and Go services word the same trouble; `spring.py` and `go.py` put their line around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from brain_lab.emit.logs.fault import LogFault
from brain_lab.emit.records import Severity


@dataclass(frozen=True, slots=True)
class Words:
    """One trouble in the words of a JVM and of a Go program, with blanks.

    Attributes:
        java: Message of the log line; the exception and its message, where there is one, follow as in Logback.
        go: Text of the error.
        severity: Of the line.
    """

    java: str
    go: str
    severity: Severity = Severity.ERROR


TROUBLES: Final[Mapping[LogFault, Words]] = {
    LogFault.CONNECTION_REFUSED: Words(
        "I/O error on {method} request for http://{peer}:{port}{path}: Connection refused; nested exception is "
        "java.net.ConnectException: Connection refused",
        "call {peer}: dial tcp {peer_ip}:{port}: connect: connection refused",
    ),
    LogFault.TIMEOUT: Words(
        "I/O error on {method} request for http://{peer}:{port}{path}: Read timed out; nested exception is "
        "java.net.SocketTimeoutException: Read timed out",
        "call {peer}: context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
    ),
    LogFault.NETWORK_LOSS: Words(
        "I/O error on {method} request for http://{peer}:{port}{path}: Connection reset; nested exception is "
        "java.net.SocketException: Connection reset",
        "call {peer}: read tcp {ip}:{high_port}->{peer_ip}:{port}: read: connection reset by peer",
    ),
    LogFault.NXDOMAIN: Words(
        "I/O error on {method} request for http://{host}:{port}{path}: {host}; nested exception is "
        "java.net.UnknownHostException: {host}: Name or service not known",
        "call {peer}: dial tcp: lookup {host} on 10.96.0.10:53: no such host (NXDOMAIN)",
    ),
    LogFault.CERTIFICATE_EXPIRED: Words(
        "PKIX path validation failed: java.security.cert.CertPathValidatorException: validity check failed; "
        "javax.net.ssl.SSLHandshakeException: NotAfter has passed for {host}",
        "call {peer}: tls: failed to verify certificate: x509: certificate has expired or is not yet valid: "
        "current time {iso} is after the NotAfter of {host}",
    ),
    LogFault.ACCESS_DENIED: Words(
        "software.amazon.awssdk.services.model.ServiceException: User: {role} is not authorized to perform: {action} "
        "on resource: {resource} because no identity-based policy allows the {action} action "
        "(Status Code: 403, Request ID: {uuid})",
        "operation error: https response error StatusCode: 403, RequestID: {uuid}, api error AccessDeniedException: "
        "User: {role} is not authorized to perform: {action} on resource: {resource}",
    ),
    LogFault.THROTTLED: Words(
        "software.amazon.awssdk.core.exception.SdkClientException: Rate exceeded for {action} "
        "(Status Code: 400, Error Code: ThrottlingException, Request ID: {uuid}), attempt {thread}",
        "operation error: exceeded maximum number of attempts, 3, https response error StatusCode: 400, "
        "RequestID: {uuid}, api error ThrottlingException: Rate exceeded ({action})",
    ),
    LogFault.RATE_LIMITED: Words(
        "429 Too Many Requests on {method} request for http://{peer}:{port}{path}: local_rate_limited",
        "call {peer}: unexpected status 429 Too Many Requests: local_rate_limited",
        Severity.WARN,
    ),
    LogFault.DEADLOCK: Words(
        "could not execute statement [ERROR: deadlock detected] [update {table} set version=? where id=?]; "
        "nested exception is org.postgresql.util.PSQLException: ERROR: deadlock detected, SQLState: 40P01",
        "update {table}: ERROR: deadlock detected (SQLSTATE 40P01)",
    ),
    LogFault.LOCK_WAIT: Words(
        "could not execute statement [ERROR: canceling statement due to lock timeout] [select * from {table} where id=? "
        "for update], SQLState: 55P03",
        "select {table} for update: ERROR: canceling statement due to lock timeout (SQLSTATE 55P03)",
    ),
    LogFault.SLOW_QUERY: Words(
        "could not execute query [ERROR: canceling statement due to statement timeout] [select * from {table}], "
        "SQLState: 57014",
        "query {table}: ERROR: canceling statement due to statement timeout (SQLSTATE 57014)",
    ),
    LogFault.POOL_EXHAUSTED: Words(
        "HikariPool-1 - Connection is not available, request timed out after 30000ms "
        "(total=10, active=10, idle=0, waiting={count})",
        "acquire connection to {peer}: context deadline exceeded: 10 of 10 in use, {count} waiting",
    ),
    LogFault.OUT_OF_MEMORY: Words(
        "Handler dispatch failed: java.lang.OutOfMemoryError: Java heap space",
        "runtime: out of memory: cannot allocate {offset}-byte block",
        Severity.FATAL,
    ),
    LogFault.NO_SPACE: Words(
        "java.io.IOException: No space left on device while writing /var/data/{short_hex}.tmp",
        "write /var/data/{short_hex}.tmp: no space left on device",
    ),
    LogFault.CRASH: Words(
        "Application run failed: org.springframework.beans.factory.BeanCreationException: Error creating bean with name "
        "'{key}': Invocation of init method failed",
        "panic: runtime error: invalid memory address or nil pointer dereference [signal SIGSEGV: segmentation violation]",
        Severity.FATAL,
    ),
    LogFault.BAD_CONFIG: Words(
        "Failed to bind properties under '{key}': value '{value}' is not valid, keeping the previous one",
        "config: {key}: invalid value '{value}'",
    ),
    LogFault.GPU_UNAVAILABLE: Words(
        "ai.onnxruntime.OrtException: CUDA failure 100: no CUDA-capable device is detected ; GPU={thread}",
        "cuda: no CUDA-capable device is detected: job {short_hex} stays queued, {count} waiting",
    ),
    LogFault.HEARTBEAT_MISSED: Words(
        "Device {device} has sent no heartbeat for {count} intervals, marking it OFFLINE",
        "device {device}: keepalive timeout, {count} heartbeats missed, marking offline",
        Severity.WARN,
    ),
    LogFault.CONSUMER_LAG: Words(
        "Consumer clientId={pod}, groupId={group}: partition {topic}-{partition} is {lag} records behind the log end",
        "consumer group {group}: {topic}/{partition} lag {lag} exceeds limit",
        Severity.WARN,
    ),
    LogFault.STATE_LOCKED: Words(
        "Error acquiring the state lock: ConditionalCheckFailedException: The conditional request failed, "
        "Lock Info: ID: {uuid}",
        "Error: Error acquiring the state lock: ConditionalCheckFailedException: The conditional request failed, "
        "Lock Info: ID: {uuid}",
    ),
    LogFault.MESSAGE_REJECTED: Words(
        "ca.uhn.hl7v2.validation.ValidationException: message {short_hex} rejected with AR: '{value}' at {key}",
        "hl7: message {short_hex} rejected with AR: '{value}' at {key}",
    ),
    LogFault.LOGGING_STORM: Words(
        "cache entry {short_hex} of {table} is stale, loading it again (attempt {number})",
        "cache entry {short_hex} of {table} is stale, loading it again (attempt {number})",
        Severity.DEBUG,
    ),
}
