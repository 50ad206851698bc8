"""The reasons that Kubernetes' own components give, with their words, and the events made of them.

Reasons are spelled as in pkg/kubelet/events/event.go, the scheduler, the controllers and the autoscalers; messages
follow theirs, with blanks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from brain_lab.emit.ids import digest
from brain_lab.emit.records import KubernetesEvent, Subject


@dataclass(frozen=True, slots=True)
class Reason:
    """One kind of event.

    Attributes:
        message: With blanks in the manner of `str.format`; see `BLANKS` for what is put there if nobody says.
        component: Who reports it.
        kind: Of the object it is about, and its API version.
        warning: Type `Warning`.
        action: Of events.k8s.io/v1; empty: the reason.
    """

    message: str
    component: str
    kind: tuple[str, str] = ("Pod", "v1")
    warning: bool = False
    action: str = ""


BLANKS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "image": "registry.example.com/app:1.4.2",
        "container": "app",
        "node": "ip-10-0-1-17.eu-central-1.compute.internal",
        "pod": "app-6d4cf56db6-x7k2p",
        "nodes": "6",
        "resource": "cpu",
        "volume": "config",
        "object": "app-config",
        "old": "2",
        "new": "4",
        "metric": "cpu resource utilization (percentage of request) above target",
        "replicaset": "app-6d4cf56db6",
        "process": "java",
        "pid": "4312",
        "status": "503",
        "url": "http://10.42.1.7:8080/healthz",
        "job": "app-28500000",
        "revision": "3f2b9c1",
        "policy": "app",
    }
)
"""Blank of a message → what stands there if the caller says nothing."""

_POD: Final = ("Pod", "v1")
_NODE: Final = ("Node", "v1")
_DEPLOYMENT: Final = ("Deployment", "apps/v1")
_HPA: Final = ("HorizontalPodAutoscaler", "autoscaling/v2")

REASONS: Final[Mapping[str, Reason]] = MappingProxyType(
    {
        # scheduler
        "Scheduled": Reason("Successfully assigned {pod} to {node}", "default-scheduler", action="Binding"),
        "FailedScheduling": Reason(
            "0/{nodes} nodes are available: {nodes} Insufficient {resource}. preemption: 0/{nodes} nodes are available: "
            "{nodes} No preemption victims found for incoming pod.",
            "default-scheduler",
            warning=True,
            action="Scheduling",
        ),
        "Preempted": Reason("Preempted by pod {pod} on node {node}", "default-scheduler", action="Preempting"),
        # kubelet, about containers
        "Pulling": Reason('Pulling image "{image}"', "kubelet"),
        "Pulled": Reason('Successfully pulled image "{image}" in 1.204s (1.204s including waiting)', "kubelet"),
        "Created": Reason("Created container: {container}", "kubelet"),
        "Started": Reason("Started container {container}", "kubelet"),
        "Killing": Reason("Stopping container {container}", "kubelet"),
        "Failed": Reason(
            'Failed to pull image "{image}": rpc error: code = NotFound desc = failed to pull and unpack image '
            '"{image}": failed to resolve reference "{image}": {image}: not found',
            "kubelet",
            warning=True,
        ),
        "ErrImagePull": Reason("Error: ErrImagePull", "kubelet", warning=True),
        "ImagePullBackOff": Reason("Error: ImagePullBackOff", "kubelet", warning=True),
        "BackOff": Reason("Back-off restarting failed container {container} in pod {pod}", "kubelet", warning=True),
        "Unhealthy": Reason(
            "Readiness probe failed: HTTP probe failed with statuscode: {status}", "kubelet", warning=True
        ),
        "ProbeTimeout": Reason(
            'Liveness probe failed: Get "{url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
            "kubelet",
            warning=True,
        ),
        "FailedMount": Reason(
            'MountVolume.SetUp failed for volume "{volume}" : configmap "{object}" not found', "kubelet", warning=True
        ),
        "FailedAttachVolume": Reason(
            'Multi-Attach error for volume "{volume}" Volume is already exclusively attached to one node and can\'t be '
            "attached to another",
            "attachdetach-controller",
            warning=True,
        ),
        "FailedCreatePodSandBox": Reason(
            "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox: "
            'plugin type="aws-cni" failed (add): add cmd: failed to assign an IP address to container',
            "kubelet",
            warning=True,
        ),
        "Evicted": Reason(
            "The node was low on resource: {resource}. Threshold quantity: 100Mi, available: 61Mi.",
            "kubelet",
            warning=True,
        ),
        "UnexpectedAdmissionError": Reason(
            "Allocate failed due to no healthy devices present; cannot allocate unhealthy devices {resource}, which is "
            "unexpected",
            "kubelet",
            warning=True,
        ),
        # kubelet and node problem detector, about nodes
        "OOMKilling": Reason(
            "Memory cgroup out of memory: Killed process {pid} ({process})", "kernel-monitor", _NODE, warning=True
        ),
        "SystemOOM": Reason(
            "System OOM encountered, victim process: {process}, pid: {pid}", "kubelet", _NODE, warning=True
        ),
        "NodeHasMemoryPressure": Reason("Node {node} status is now: NodeHasMemoryPressure", "kubelet", _NODE),
        "NodeHasDiskPressure": Reason("Node {node} status is now: NodeHasDiskPressure", "kubelet", _NODE),
        "NodeHasSufficientMemory": Reason("Node {node} status is now: NodeHasSufficientMemory", "kubelet", _NODE),
        "EvictionThresholdMet": Reason("Attempting to reclaim {resource}", "kubelet", _NODE, warning=True),
        "FreeDiskSpaceFailed": Reason(
            "Failed to garbage collect required amount of images. Attempted to free 5368709120 bytes, but only found 0 bytes "
            "eligible to free.",
            "kubelet",
            _NODE,
            warning=True,
        ),
        "NodeNotReady": Reason("Node {node} status is now: NodeNotReady", "node-controller", _NODE, warning=True),
        "NodeReady": Reason("Node {node} status is now: NodeReady", "kubelet", _NODE),
        # controllers
        "ScalingReplicaSet": Reason(
            "Scaled up replica set {replicaset} from {old} to {new}", "deployment-controller", _DEPLOYMENT
        ),
        "SuccessfulCreate": Reason("Created pod: {pod}", "replicaset-controller", ("ReplicaSet", "apps/v1")),
        "FailedCreate": Reason(
            'Error creating: pods "{pod}" is forbidden: exceeded quota: compute-resources, requested: requests.{resource}=2, '
            "used: requests.{resource}=40, limited: requests.{resource}=40",
            "replicaset-controller",
            ("ReplicaSet", "apps/v1"),
            warning=True,
        ),
        "TaintManagerEviction": Reason("Marking for deletion Pod {pod}", "taint-eviction-controller"),
        "BackoffLimitExceeded": Reason(
            "Job has reached the specified backoff limit", "job-controller", ("Job", "batch/v1"), warning=True
        ),
        "Completed": Reason("Job completed", "job-controller", ("Job", "batch/v1")),
        # autoscalers
        "SuccessfulRescale": Reason("New size: {new}; reason: {metric}", "horizontal-pod-autoscaler", _HPA),
        "FailedGetResourceMetric": Reason(
            "failed to get {resource} utilization: unable to get metrics for resource {resource}: no metrics returned from "
            "resource metrics API",
            "horizontal-pod-autoscaler",
            _HPA,
            warning=True,
        ),
        "KEDAScaleTargetActivated": Reason(
            "Scaled apps/v1.Deployment {object} from {old} to {new}",
            "keda-operator",
            ("ScaledObject", "keda.sh/v1alpha1"),
        ),
        "KEDAScalerFailed": Reason(
            "error getting scaler for trigger #0: error creating kafka client: kafka: client has run out of available brokers",
            "keda-operator",
            ("ScaledObject", "keda.sh/v1alpha1"),
            warning=True,
        ),
        "NominatedNode": Reason("Pod should schedule on: nodeclaim/{object}, node/{node}", "karpenter"),
        "DisruptionTerminating": Reason(
            "Disrupting NodeClaim: Underutilized/Delete", "karpenter", ("NodeClaim", "karpenter.sh/v1")
        ),
        "InsufficientCapacityError": Reason(
            "NodeClaim {object} event: creating instance, insufficient capacity, with fleet error(s), "
            "UnfulfillableCapacity: Unable to fulfill capacity due to your request configuration",
            "karpenter",
            ("NodeClaim", "karpenter.sh/v1"),
            warning=True,
        ),
        # delivery
        "OperationStarted": Reason(
            "Initiated automated sync to '{revision}'",
            "argocd-application-controller",
            ("Application", "argoproj.io/v1alpha1"),
        ),
        "OperationCompleted": Reason(
            "Sync operation to {revision} succeeded",
            "argocd-application-controller",
            ("Application", "argoproj.io/v1alpha1"),
        ),
        "OperationFailed": Reason(
            "Sync operation to {revision} failed: one or more objects failed to apply",
            "argocd-application-controller",
            ("Application", "argoproj.io/v1alpha1"),
            warning=True,
        ),
        "CertificateExpired": Reason(
            "The certificate has expired; next renewal failed: acme: authorization error",
            "cert-manager-certificates-trigger",
            ("Certificate", "cert-manager.io/v1"),
            warning=True,
        ),
    }
)
"""Name → how it reads. Three names stand for a reason that is spelled otherwise: see `_SPELLED`."""

_SPELLED: Final = {"ErrImagePull": "Failed", "ImagePullBackOff": "Failed", "ProbeTimeout": "Unhealthy"}
"""The kubelet reports these under another reason, with the words of REASONS."""
_ON_NODES: Final = frozenset({"kubelet", "kernel-monitor"})
_CLUSTER_WIDE: Final = frozenset({"Node", "NodeClaim"})


def occurrences(
    name: str,
    subject: str,
    namespace: str,
    times: Sequence[int],
    *,
    host: str = "",
    **blanks: str,
) -> list[KubernetesEvent]:
    """One event that occurs several times: a record for each time, with the same name and a growing count.

    Args:
        name: A key of `REASONS`.
        subject: Name of the object.
        namespace: Of the object; ignored for nodes and what else has none.
        times: Nanoseconds since the epoch, in order.
        host: Node of the kubelet that says so.
        **blanks: What stands in the blanks of the message; `pod` and `node` are the subject where it is one.

    Raises:
        KeyError: There is no such reason.
    """
    reason = REASONS[name]
    kind, version = reason.kind
    filled = {**BLANKS, **({"node": host} if host else {}), kind.lower(): subject, **blanks}
    path = f"spec.containers{{{filled['container']}}}" if kind == "Pod" and _concerns_container(reason) else ""
    namespace = "" if kind in _CLUSTER_WIDE else namespace
    about = Subject(kind, subject, namespace, version, path)
    message, spelled = reason.message.format_map(filled), _SPELLED.get(name, name)
    # client-go appends the time of the first occurrence in hexadecimal; here two at one instant must differ.
    suffix = digest(subject, namespace, spelled, message, times[0] if times else 0, size=8)
    return [
        KubernetesEvent(
            name=f"{subject}.{suffix}",
            subject=about,
            reason=spelled,
            message=message,
            warning=reason.warning,
            component=reason.component,
            first=times[0],
            last=time,
            count=count,
            host=host if reason.component in _ON_NODES else "",
            action=reason.action,
        )
        for count, time in enumerate(times, 1)
    ]


def _concerns_container(reason: Reason) -> bool:
    """The kubelet's messages about an image, a probe or a container are about that container of the pod."""
    words = ("image", "probe", "ontainer", "Error: ")
    return reason.component == "kubelet" and any(word in reason.message for word in words)
