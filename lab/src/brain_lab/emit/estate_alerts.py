"""Alert rules for what breaks no promise to users: pipelines, autoscalers, GPUs that nobody uses, bytes that cost.

They are those of ``alert-rules/rules/estate.yaml``, for one target each; a test compares the two. `KubeHpaMaxedOut`
is of kubernetes-mixin (https://github.com/kubernetes-monitoring/kubernetes-mixin). Other than kubernetes-mixin's, ours
asks what the autoscaler wants instead of what it has: pods that no node has room for are no reason to be silent.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from brain_lab.emit.alert_rule import Rule
from brain_lab.emit.records import NANOS, ChangeKind
from brain_lab.platforms.delivery import projects
from brain_lab.platforms.model import Node, Platform, Service
from brain_lab.simulate.recording import TICK, Recording
from brain_lab.simulate.transfer import NAT_GATEWAY

Course = NDArray[np.bool_]

PIPELINE: Final = """\
max by (cluster, project, ref) (
  gitlab_ci_pipeline_status{ref=~"main|master",status="failed"}
) == 1
"""
GPU: Final = """\
max by (cluster, node) (
  label_replace(max_over_time(DCGM_FI_DEV_GPU_UTIL[5m]), "node", "$1", "Hostname", "(.+)")
) < 1
and
max by (cluster, node) (
  label_replace(DCGM_FI_DEV_GPU_UTIL offset 5m, "node", "$1", "Hostname", "(.+)")
) >= 0
"""
NAT: Final = """\
aws_natgateway_bytes_out_to_destination_sum
> 3 *
avg_over_time(aws_natgateway_bytes_out_to_destination_sum[20m] offset 5m)
"""
"""What is shipped, for all targets at once."""

_SEVERITY: Final = "warning"
_OF_COST: Final = "info"
_IDLE_SECONDS: Final = 300.0
_TIMES_USUAL: Final = 3.0
_USUAL: Final = (1500.0, 300.0)
"""Seconds before now between which the usual bytes of a gateway are taken."""
_MINUTE: Final = int(60.0 / TICK)


def estate_rules(platform: Platform) -> Iterator[Rule]:
    """All rules that are no objective's."""
    for project in projects(platform):
        yield _pipeline(platform, project)
    for service in platform.services:
        if service.scaler and service.scaler.kind == "hpa":
            yield _maxed_out(platform, service)
    for node in platform.nodes:
        if node.gpus:
            yield _idle(platform, node)
    yield _through_nat(platform)


def _pipeline(platform: Platform, project: str) -> Rule:
    path = f"platform/{project}"
    expression = PIPELINE.replace("_status{", f'_status{{project="{path}",')
    labels = {"cluster": platform.cluster, "project": path, "ref": "main", "severity": _SEVERITY}
    words = f"the pipeline of the main branch of {path} has failed"
    return Rule("BrainPipelineFailed", expression, labels, words, partial(_failed, project))


def _failed(project: str, recording: Recording) -> Course:
    """The latest pipeline has failed; a running one takes its place."""
    failed = np.zeros(len(recording.times), np.bool_)
    own = [one for one in recording.changes if one.kind is ChangeKind.GITLAB_PIPELINE and one.target == project]
    for change in sorted(own, key=lambda one: one.start):
        failed[recording.times >= change.start / NANOS] = False
        failed[recording.times >= change.end / NANOS] = not change.succeeded
    return failed


def _maxed_out(platform: Platform, service: Service) -> Rule:
    where = f'{{namespace="{service.namespace}",horizontalpodautoscaler="{service.name}"}}'
    most = f"kube_horizontalpodautoscaler_spec_max_replicas{where}"
    expression = f"kube_horizontalpodautoscaler_status_desired_replicas{where} >= {most}"
    labels = {
        "cluster": platform.cluster,
        "namespace": service.namespace,
        "horizontalpodautoscaler": service.name,
        "severity": _SEVERITY,
    }
    words = f"the autoscaler of {service.name} wants as many replicas as it may have, or more"
    return Rule("KubeHpaMaxedOut", expression, labels, words, partial(_at_most, service.name))


def _at_most(service: str, recording: Recording) -> Course:
    wanted, most = recording.station(service, "wanted"), recording.station(service, "most")
    return np.asarray(np.round(wanted) >= np.round(most))


def _idle(platform: Platform, node: Node) -> Rule:
    expression = GPU.replace("_UTIL", f'_UTIL{{Hostname="{node.name}"}}')
    labels = {"cluster": platform.cluster, "node": node.name, "severity": _OF_COST}
    words = f"no GPU of {node.name} has had anything to do for {_IDLE_SECONDS / 60.0:.0f} minutes"
    return Rule("BrainGpuIdle", expression, labels, words, partial(_unused, node.name))


def _unused(node: str, recording: Recording) -> Course:
    """The node has been there all the time, and no pod that holds a GPU on it."""
    column = [one.name for one in recording.platform.nodes].index(node)
    idle = recording.nodes["active"][:, column] > 0.0
    for pod in recording.pod_list:
        if pod.node == node and recording.platform.service(pod.service).gpus:
            idle[pod.first : pod.last] = False
    width = int(_IDLE_SECONDS / TICK)
    seen = np.convolve(idle, np.ones(width))[: len(idle)]
    return np.asarray(seen >= width)


def _through_nat(platform: Platform) -> Rule:
    expression = NAT.replace("_to_destination_sum", f'_to_destination_sum{{dimension_NatGatewayId="{NAT_GATEWAY}"}}')
    labels = {"cluster": platform.cluster, "dimension_NatGatewayId": NAT_GATEWAY, "severity": _OF_COST}
    words = f"{_TIMES_USUAL:g} times the usual bytes go through {NAT_GATEWAY}, and each gigabyte is charged"
    return Rule("BrainNatGatewayBytesHigh", expression, labels, words, _dear)


def _dear(recording: Recording) -> Course:
    """CloudWatch tells of a minute when it is over."""
    rate = recording.cluster["nat_bytes"][:, 0].astype(np.float64)
    index = np.arange(len(rate))
    shown = rate[np.maximum(index // _MINUTE * _MINUTE - _MINUTE, 0)]
    sums = np.concatenate([[0.0], np.cumsum(shown)])
    first, last = (np.maximum(index + 1 - int(seconds / TICK), 0) for seconds in _USUAL)
    count = last - first
    usual = (sums[last] - sums[first]) / np.maximum(count, 1)
    return np.asarray((count > 0) & (shown > _TIMES_USUAL * usual))
