"""The faults by name; a new one is a file with a ``make`` function and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from brain_common.errors import ConfigError
from brain_lab.faults import (
    api_throttling,
    argocd_sync_failed,
    bad_rollout,
    combined,
    compliance_alert_flood,
    crash_loop,
    database_lock,
    database_read_spike,
    device_heartbeats,
    disk_full,
    dns_failure,
    gpu_scheduling,
    iam_access_denied,
    idle_gpu,
    image_pull,
    kafka_consumer_lag,
    latency_spike,
    logging_storm,
    mesh_certificate_expired,
    nat_traffic,
    network_delay,
    network_loss,
    node_autoscaler,
    node_pressure,
    oom_kill,
    pipeline_broken,
    rate_limit_too_low,
    retry_storm,
    runaway_autoscaling,
    stale_configmap,
    terraform_failed_apply,
    terraform_state_lock,
)
from brain_lab.faults.aim import Aim
from brain_lab.faults.protocol import Fault

_MAKERS: Final[Mapping[str, Callable[[Aim], Fault]]] = {
    "latency-spike": latency_spike.make,
    "oom-kill": oom_kill.make,
    "database-lock": database_lock.make,
    "network-delay": network_delay.make,
    "bad-rollout": bad_rollout.make,
    "node-pressure": node_pressure.make,
    "kafka-consumer-lag": kafka_consumer_lag.make,
    "rate-limit-too-low": rate_limit_too_low.make,
    "logging-storm": logging_storm.make,
    "mesh-certificate-expired": mesh_certificate_expired.make,
    "compliance-alert-flood": compliance_alert_flood.make,
    "database-read-spike": database_read_spike.make,
    "terraform-state-lock": terraform_state_lock.make,
    "terraform-failed-apply": terraform_failed_apply.make,
    "pipeline-broken": pipeline_broken.make,
    "argocd-sync-failed": argocd_sync_failed.make,
    "iam-access-denied": iam_access_denied.make,
    "idle-gpu": idle_gpu.make,
    "nat-traffic": nat_traffic.make,
    "runaway-autoscaling": runaway_autoscaling.make,
    "retry-storm": retry_storm.make,
    "api-throttling": api_throttling.make,
    "node-autoscaler-misbehaviour": node_autoscaler.make,
    "stale-configmap": stale_configmap.make,
    "gpu-scheduling-failure": gpu_scheduling.make,
    "device-heartbeat-timeouts": device_heartbeats.make,
    "crash-loop": crash_loop.make,
    "image-pull": image_pull.make,
    "dns-failure": dns_failure.make,
    "network-loss": network_loss.make,
    "disk-full": disk_full.make,
}


def names() -> tuple[str, ...]:
    """Of all faults."""
    return tuple(_MAKERS)


def combinations() -> tuple[str, ...]:
    """Of pairs worth trying; ``make_all`` takes any other pair, too."""
    return combined.COMBINATIONS


def module(name: str) -> str:
    """Name of the module that makes a fault; its docstring says what it is."""
    return _MAKERS[name].__module__


def make(name: str, aim: Aim) -> Fault:
    """The fault.

    Args:
        name: Of the fault.
        aim: Platform, moment, seed and, if wanted, the target.

    Raises:
        ConfigError: There is none of that name, the platform has nothing it could break, or the target is none for it.
    """
    if name not in _MAKERS:
        raise ConfigError(f"fault {name!r}: none of {', '.join(_MAKERS)}")
    try:
        return _MAKERS[name](replace(aim, fault=name))
    except (KeyError, StopIteration) as error:
        raise ConfigError(f"target {aim.target!r}: of {aim.platform.name}, {name} cannot hit it") from error


def make_all(name: str, aim: Aim) -> tuple[Fault, ...]:
    """One fault, or several that a name such as ``oom-kill+database-lock`` joins, with different targets.

    Raises:
        ConfigError: One of them is not there, or the platform has nothing it could break.
    """
    return combined.together(name, aim, make)
