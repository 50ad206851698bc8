"""The kubelet on a node: klog's structured text format.

https://github.com/kubernetes/klog and https://kubernetes.io/docs/concepts/cluster-administration/system-logs/
"""

from __future__ import annotations

from typing import Final

from brain_lab.emit.logs.fault import LogFault
from brain_lab.emit.logs.program import Program
from brain_lab.emit.logs.programs.go import json_inner
from brain_lab.emit.logs.template import Template
from brain_lab.emit.records import Severity

_LETTERS: Final = {Severity.INFO: "I", Severity.WARN: "W", Severity.ERROR: "E", Severity.FATAL: "F"}


def _line(where: str, message: str, severity: Severity = Severity.INFO, weight: float = 1.0) -> Template:
    return Template(f"{_LETTERS[severity]}{{klog}}    1412 {where}] {message}", severity, weight)


_POD: Final = 'pod="{namespace}/{pod}" podUID="{uuid}"'

PROGRAM: Final = Program(
    "kubelet",
    usual=(
        _line(
            "kubelet.go:2519",
            '"SyncLoop (PLEG): event for pod" pod="{namespace}/{pod}" event={"ID":"{uuid}","Type":"ContainerStarted"}',
            weight=2.0,
        ),
        _line("kubelet.go:2438", '"SyncLoop UPDATE" source="api" pods=["{namespace}/{pod}"]', weight=3.0),
        _line(
            "reconciler_common.go:218",
            '"operationExecutor.MountVolume started for volume \\"kube-api-access-{short_hex}\\"" ' + _POD,
        ),
        _line(
            "pod_startup_latency_tracker.go:104",
            '"Observed pod startup duration" pod="{namespace}/{pod}" podStartSLOduration={ms}',
        ),
        _line(
            "prober.go:107",
            '"Probe failed" probeType="Readiness" ' + _POD + ' containerName="{container}" probeResult="failure"',
            weight=0.1,
        ),
    ),
    faults={
        LogFault.IMAGE_PULL: (
            _line(
                "log.go:32",
                '"PullImage from image service failed" err="rpc error: code = NotFound desc = failed to pull and unpack image \\"{image}\\": not found" image="{image}"',
                Severity.ERROR,
            ),
            _line(
                "pod_workers.go:1324",
                '"Error syncing pod, skipping" err="failed to \\"StartContainer\\" for \\"{container}\\" with ErrImagePull: \\"rpc error: code = NotFound desc = {image}: not found\\"" '
                + _POD,
                Severity.ERROR,
            ),
            _line(
                "pod_workers.go:1324",
                '"Error syncing pod, skipping" err="failed to \\"StartContainer\\" for \\"{container}\\" with ImagePullBackOff: \\"Back-off pulling image \\\\\\"{image}\\\\\\"\\"" '
                + _POD,
                Severity.ERROR,
            ),
        ),
        LogFault.CRASH: (
            _line(
                "pod_workers.go:1324",
                '"Error syncing pod, skipping" err="failed to \\"StartContainer\\" for \\"{container}\\" with CrashLoopBackOff: \\"back-off 5m0s restarting failed container={container} pod={pod}\\"" '
                + _POD,
                Severity.ERROR,
            ),
        ),
        LogFault.OUT_OF_MEMORY: (
            _line(
                "oom_watcher_linux.go:76",
                '"Got sys oom event" event={"Pid":{other_pid},"ProcessName":"{service}","ContainerName":"/kubepods.slice/{container_id}"}',
            ),
            _line(
                "kubelet.go:2519",
                '"SyncLoop (PLEG): event for pod" pod="{namespace}/{pod}" event={"ID":"{uuid}","Type":"ContainerDied"}',
            ),
        ),
        LogFault.NODE_PRESSURE: (
            _line(
                "eviction_manager.go:366",
                '"Eviction manager: attempting to reclaim" resourceName="memory"',
                Severity.WARN,
            ),
            _line("eviction_manager.go:377", '"Eviction manager: must evict pod(s) to reclaim" resourceName="memory"'),
            _line("eviction_manager.go:595", '"Eviction manager: pod is evicted successfully" pod="{namespace}/{pod}"'),
        ),
        LogFault.NO_SPACE: (
            _line(
                "eviction_manager.go:366",
                '"Eviction manager: attempting to reclaim" resourceName="ephemeral-storage"',
                Severity.WARN,
            ),
            _line(
                "image_gc_manager.go:312",
                '"Disk usage on image filesystem is over the high threshold, trying to free bytes down to the low threshold" usage=97 highThreshold=85',
                Severity.WARN,
            ),
        ),
        LogFault.CERTIFICATE_EXPIRED: (
            _line(
                "certificate_manager.go:562",
                '"Certificate request was not signed" err="x509: certificate has expired or is not yet valid"',
                Severity.ERROR,
            ),
        ),
        LogFault.NETWORK_LOSS: (
            _line(
                "controller.go:195",
                '"Failed to update lease" err="Put \\"https://10.0.0.1:6443/apis/coordination.k8s.io/v1/leases/{node}\\": context deadline exceeded"',
                Severity.ERROR,
            ),
            _line(
                "kubelet_node_status.go:549",
                '"Error updating node status, will retry" err="error getting node \\"{node}\\": context deadline exceeded"',
                Severity.ERROR,
            ),
        ),
        LogFault.NXDOMAIN: (
            _line(
                "dns.go:157",
                '"Nameserver limits exceeded" err="Nameserver limits were exceeded, some nameservers have been omitted"',
                Severity.ERROR,
            ),
        ),
        LogFault.GPU_UNAVAILABLE: (
            _line(
                "manager.go:1046",
                '"Device plugin unhealthy" resourceName="nvidia.com/gpu" err="Xid 79: GPU has fallen off the bus"',
                Severity.ERROR,
            ),
        ),
    },
    escape=json_inner,
)
