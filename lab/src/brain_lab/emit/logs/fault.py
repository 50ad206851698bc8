"""What can go wrong so that programs complain in their logs, and the names that their complaints need."""

from __future__ import annotations

from enum import StrEnum


class LogFault(StrEnum):
    """A trouble that programs write about; each program has words of its own for those that concern it."""

    CONNECTION_REFUSED = "connection_refused"
    TIMEOUT = "timeout"
    NETWORK_LOSS = "network_loss"
    NXDOMAIN = "nxdomain"
    CERTIFICATE_EXPIRED = "certificate_expired"
    ACCESS_DENIED = "access_denied"
    THROTTLED = "throttled"
    RATE_LIMITED = "rate_limited"
    DEADLOCK = "deadlock"
    LOCK_WAIT = "lock_wait"
    SLOW_QUERY = "slow_query"
    POOL_EXHAUSTED = "pool_exhausted"
    OUT_OF_MEMORY = "out_of_memory"
    NO_SPACE = "no_space"
    CRASH = "crash"
    BAD_CONFIG = "bad_config"
    IMAGE_PULL = "image_pull"
    NODE_PRESSURE = "node_pressure"
    GPU_UNAVAILABLE = "gpu_unavailable"
    HEARTBEAT_MISSED = "heartbeat_missed"
    CONSUMER_LAG = "consumer_lag"
    STATE_LOCKED = "state_locked"
    MESSAGE_REJECTED = "message_rejected"
    LOGGING_STORM = "logging_storm"


NAMES = frozenset({"peer", "peer_ip", "port", "host", "image", "key", "value", "action", "resource", "topic", "group"})
"""What the caller may say of a fault, besides the origin: the callee, its address, an image, a setting, an AWS action
and ARN, a Kafka topic and consumer group. What it leaves out is made up."""
