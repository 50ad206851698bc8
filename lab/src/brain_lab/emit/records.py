"""What the simulated world has to tell besides metrics, as data: made by the simulator and its faults.

Nothing here knows a format or the simulator. Times are whole nanoseconds since 1970-01-01 UTC, as OTLP counts
them; writers turn them into whatever their format wants.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Attributes = Mapping[str, str | int | float | bool]
Json = Mapping[str, object]
"""What a JSON object holds; values are str, int, float, bool, None, lists and objects."""
Int = NDArray[np.int64]
Id = NDArray[np.uint64]

NANOS = 1_000_000_000
"""Nanoseconds of a second."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The process that a log line or a span comes from. Make one per process and share it: writers group by it.

    Attributes:
        service: OpenTelemetry's `service.name`.
        namespace: Of Kubernetes.
        pod: Name of the pod; empty for what runs on a node itself, or in no cluster.
        node: Name of the node.
        cluster: `k8s.cluster.name`.
        workload: Name of the Deployment or StatefulSet; empty: the service's name.
        container: Name of the container; empty: the service's name.
        language: `telemetry.sdk.language`; empty for what carries no SDK.
        version: `service.version`.
    """

    service: str
    namespace: str = ""
    pod: str = ""
    node: str = ""
    cluster: str = ""
    workload: str = ""
    container: str = ""
    language: str = ""
    version: str = ""


class Severity(IntEnum):
    """OTLP's severity numbers: the first of each range."""

    TRACE = 1
    DEBUG = 5
    INFO = 9
    WARN = 13
    ERROR = 17
    FATAL = 21


class LogRecord(Struct, frozen=True, gc=False):
    """One line of a log. Not a dataclass, because there are hundreds of thousands: made faster, and invisible to the
    garbage collector.

    Attributes:
        time: Nanoseconds since the epoch.
        origin: Who wrote it.
        severity: As the line says.
        body: The line as the program wrote it, without the line feed.
        attributes: What a shipper would parse out of it, or tags such as `compliance`.
        trace: 32 hex digits, or empty.
        span: 16 hex digits, or empty.
    """

    time: int
    origin: Origin
    severity: Severity
    body: str
    attributes: Attributes = {}
    trace: str = ""
    span: str = ""


class SpanKind(IntEnum):
    """OTLP's numbers."""

    INTERNAL = 1
    SERVER = 2
    CLIENT = 3
    PRODUCER = 4
    CONSUMER = 5


class SpanStatus(IntEnum):
    """OTLP's numbers."""

    UNSET = 0
    OK = 1
    ERROR = 2


@dataclass(frozen=True, slots=True)
class SpanShape:
    """What all spans of one operation have in common.

    Attributes:
        name: Such as `POST /transfers` or `SELECT ledger.entries`.
        kind: Which side of which kind of call.
        attributes: By the semantic conventions; the same for each span.
        outcome: Name of the attribute that carries a span's code, such as `http.response.status_code`; empty for none.
    """

    name: str
    kind: SpanKind
    attributes: Attributes = field(default_factory=dict)
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class SpanBatch:
    """Many spans, as columns of one length S; the spans of one trace need not stand together.

    Attributes:
        trace: [S, 2] halves of the trace id, high one first.
        span: [S] span ids, none of them 0.
        parent: [S] span id of the parent; 0 for the root of a trace.
        start: [S] nanoseconds since the epoch.
        end: [S] nanoseconds since the epoch, not before `start`.
        shape: [S] index into `shapes`.
        origin: [S] index into `origins`.
        code: [S] HTTP or gRPC status code, or 0 for none; written under the `outcome` of the shape.
        error: [S] index into `errors`, or -1 for a span without an error.
        shapes: Operations.
        origins: Processes.
        errors: `error.type` and message of what may go wrong.
    """

    trace: Id
    span: Id
    parent: Id
    start: Int
    end: Int
    shape: Int
    origin: Int
    code: Int
    error: Int
    shapes: tuple[SpanShape, ...]
    origins: tuple[Origin, ...]
    errors: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.span)


@dataclass(frozen=True, slots=True)
class Subject:
    """The Kubernetes object that an event is about.

    Attributes:
        kind: `Pod`, `Node`, `Deployment` and so on.
        name: Its name.
        namespace: Empty for what has none.
        api_version: Such as `v1` or `apps/v1`.
        field_path: Such as `spec.containers{ledger}`; empty for all of it.
    """

    kind: str
    name: str
    namespace: str = ""
    api_version: str = "v1"
    field_path: str = ""


@dataclass(frozen=True, slots=True)
class KubernetesEvent:
    """A Kubernetes event as it stands after its latest occurrence.

    Repeats of an event are records with the same `name` and a growing `count`, as the API server would show them.

    Attributes:
        name: Of the event object; the same for all repeats.
        subject: What it is about.
        reason: Such as `FailedScheduling`.
        message: For people.
        warning: Type `Warning`, not `Normal`.
        component: Who says so, such as `kubelet`.
        first: Nanoseconds since the epoch of the first occurrence.
        last: Of the latest one.
        count: Occurrences until now.
        host: Node of the component; empty for control plane components.
        action: For events.k8s.io/v1; empty: the reason.
    """

    name: str
    subject: Subject
    reason: str
    message: str
    warning: bool
    component: str
    first: int
    last: int
    count: int = 1
    host: str = ""
    action: str = ""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who called AWS.

    Attributes:
        kind: `IAMUser`, `AssumedRole`, `AWSService` or `Root`.
        name: Of the user or role; of the service such as `autoscaling.amazonaws.com` for AWSService.
        session: Of an assumed role, such as the name of a person or a pod.
    """

    kind: str
    name: str
    session: str = ""


@dataclass(frozen=True, slots=True)
class AwsCall:
    """One call of an AWS API.

    Attributes:
        time: Nanoseconds since the epoch; CloudTrail keeps whole seconds.
        account: 12 digits.
        region: Such as `eu-central-1`.
        service: Such as `rds`; `eventSource` without `.amazonaws.com`.
        action: Such as `ModifyDBInstance`.
        actor: Who called.
        read_only: It changes nothing.
        request: `requestParameters`, or None.
        response: `responseElements`, or None.
        error_code: Such as `AccessDenied` or `ThrottlingException`; empty when it went well.
        error_message: For people.
        source_ip: Address, or the name of an AWS service.
        agent: User agent.
        resources: ARN → type, such as `AWS::S3::Object`.
        data_event: Of category Data, not Management.
    """

    time: int
    account: str
    region: str
    service: str
    action: str
    actor: Principal
    read_only: bool
    request: Json | None = None
    response: Json | None = None
    error_code: str = ""
    error_message: str = ""
    source_ip: str = "10.0.0.10"
    agent: str = "aws-sdk-go-v2/1.41.0"
    resources: Mapping[str, str] = field(default_factory=dict)
    data_event: bool = False


class ChangeKind(StrEnum):
    """What was done to the system by whom it belongs to."""

    ARGOCD_SYNC = "argocd_sync"
    GITLAB_PIPELINE = "gitlab_pipeline"
    TERRAFORM_RUN = "terraform_run"
    CONFIGMAP_EDIT = "configmap_edit"
    ROLLOUT = "rollout"


@dataclass(frozen=True, slots=True)
class Change:
    """A change with its actor.

    Attributes:
        start: Nanoseconds since the epoch.
        end: Nanoseconds since the epoch; not before `start`.
        kind: What was done.
        actor: User name of the person or robot.
        target: Name of what was changed: application, project, workspace, ConfigMap or workload.
        namespace: Of Kubernetes; empty where there is none.
        succeeded: It ended well.
        summary: One line for people: commit message, or the reason of the failure.
        revision: Git commit, 40 hex digits; empty where there is none.
        affected: Names of the workloads or cloud resources it touched.
        details: What only this kind has: `diff` of a ConfigMap (key → [old, new]), `image` of a rollout, `stage` of a
            failed pipeline, `add`/`change`/`destroy` of a Terraform run.
    """

    start: int
    end: int
    kind: ChangeKind
    actor: str
    target: str
    namespace: str = ""
    succeeded: bool = True
    summary: str = ""
    revision: str = ""
    affected: tuple[str, ...] = ()
    details: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CostRow:
    """What one resource cost in one hour for one kind of usage.

    Attributes:
        hour: Nanoseconds since the epoch of the beginning of the hour.
        account: 12 digits.
        region: Such as `eu-central-1`.
        service: As Cost Explorer spells it, such as `Amazon Elastic Compute Cloud - Compute`.
        usage_type: Such as `EUC1-BoxUsage:g5.xlarge`.
        resource: Its ARN or id; empty where there is none.
        quantity: In `unit`.
        unit: Such as `Hrs`, `GB` or `Requests`.
        unit_price: List price, USD for one unit.
        discount: Share of the list price that is not paid, in [0, 1).
        tags: User tags of the resource.
        zone: Availability zone; empty for none.
        operation: Such as `RunInstances`.
    """

    hour: int
    account: str
    region: str
    service: str
    usage_type: str
    resource: str
    quantity: float
    unit: str
    unit_price: float
    discount: float = 0.0
    tags: Mapping[str, str] = field(default_factory=dict)
    zone: str = ""
    operation: str = ""

    @property
    def cost(self) -> float:
        """USD that are paid."""
        return self.quantity * self.unit_price * (1.0 - self.discount)
