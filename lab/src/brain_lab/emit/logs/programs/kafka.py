"""The Kafka broker's `server.log`, in the layout of its log4j configuration: `[%d] %p %m (%c)`.

https://github.com/apache/kafka/blob/trunk/config/log4j2.yaml
"""

from __future__ import annotations

from typing import Final

from brain_lab.emit.logs.fault import LogFault
from brain_lab.emit.logs.program import Program
from brain_lab.emit.logs.template import Template
from brain_lab.emit.records import Severity

_LEVELS: Final = {Severity.INFO: "INFO", Severity.WARN: "WARN", Severity.ERROR: "ERROR", Severity.FATAL: "FATAL"}


def _line(message: str, logger: str, severity: Severity = Severity.INFO, weight: float = 1.0) -> Template:
    text = f"[{{kafka_time}}] {_LEVELS[severity]} {message} ({logger})"
    return Template(text, severity, weight, (), {"messaging.system": "kafka"})


_GROUP: Final = "kafka.coordinator.group.GroupCoordinator"
_LOG: Final = "org.apache.kafka.storage.internals.log.UnifiedLog"

PROGRAM: Final = Program(
    "kafka",
    usual=(
        _line(
            "[LocalLog partition={topic}-{partition}, dir=/var/lib/kafka/data] Rolled new log segment at offset {offset} in {count} ms.",
            _LOG,
            weight=2.0,
        ),
        _line(
            "[UnifiedLog partition={topic}-{partition}, dir=/var/lib/kafka/data] Deleting segment files LogSegment(baseOffset={offset}, size={offset})",
            _LOG,
        ),
        _line(
            "[GroupCoordinator 0]: Assignment received from leader {short_hex} for group {group} for generation {number}.",
            _GROUP,
        ),
        _line(
            "[ReplicaFetcher replicaId=0, leaderId=1, fetcherId=0] Truncating partition {topic}-{partition} with TruncationState(offset={offset})",
            "kafka.server.ReplicaFetcherThread",
            weight=0.3,
        ),
        _line(
            "[SnapshotGenerator id=0] Creating new KRaft snapshot file snapshot {offset}",
            "org.apache.kafka.image.publisher.SnapshotGenerator",
            weight=0.5,
        ),
    ),
    faults={
        LogFault.CONSUMER_LAG: (
            _line(
                "[GroupCoordinator 0]: Member {pod}-{short_hex} in group {group} has failed, removing it from the group",
                _GROUP,
            ),
            _line(
                "[GroupCoordinator 0]: Preparing to rebalance group {group} in state PreparingRebalance with old generation {number} (reason: removing member on heartbeat expiration)",
                _GROUP,
            ),
        ),
        LogFault.NO_SPACE: (
            _line(
                "Error while appending records to {topic}-{partition} in dir /var/lib/kafka/data: java.io.IOException: No space left on device",
                "kafka.server.LogDirFailureChannel",
                Severity.ERROR,
            ),
            _line(
                "Shutdown broker because all log dirs in /var/lib/kafka/data have failed",
                "kafka.log.LogManager",
                Severity.FATAL,
                0.2,
            ),
        ),
        LogFault.NETWORK_LOSS: (
            _line(
                "[Partition {topic}-{partition} broker=0] Shrinking ISR from 0,1,2 to 0. Leader: (highWatermark: {offset}).",
                "kafka.cluster.Partition",
                Severity.WARN,
            ),
            _line(
                "[RequestSendThread controllerId=0] Controller 0's connection to broker {peer}:{port} was unsuccessful: java.net.SocketTimeoutException",
                "kafka.controller.RequestSendThread",
                Severity.WARN,
            ),
        ),
        LogFault.CERTIFICATE_EXPIRED: (
            _line(
                "[SocketServer listenerType=BROKER, nodeId=0] Failed authentication with /{ip} (SSL handshake failed: certificate_expired)",
                "org.apache.kafka.common.network.Selector",
                Severity.WARN,
            ),
        ),
        LogFault.ACCESS_DENIED: (
            _line(
                "Principal = User:{service} is Denied operation = WRITE from host = {ip} on resource = Topic:LITERAL:{topic} for request = Produce",
                "kafka.authorizer.logger",
            ),
        ),
        LogFault.THROTTLED: (
            _line(
                "[ThrottledChannelReaper-Produce]: Client {peer} was throttled for {number} ms: quota violated",
                "kafka.server.ClientQuotaManager",
                Severity.WARN,
            ),
        ),
        LogFault.OUT_OF_MEMORY: (
            _line(
                "Uncaught exception in thread 'data-plane-kafka-request-handler-{thread}': java.lang.OutOfMemoryError: Direct buffer memory",
                "org.apache.kafka.common.utils.KafkaThread",
                Severity.ERROR,
            ),
        ),
    },
)
