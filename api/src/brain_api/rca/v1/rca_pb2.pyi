import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FeedbackKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FEEDBACK_KIND_UNSPECIFIED: _ClassVar[FeedbackKind]
    FEEDBACK_KIND_CONFIRMED: _ClassVar[FeedbackKind]
    FEEDBACK_KIND_REJECTED: _ClassVar[FeedbackKind]

class IncidentStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INCIDENT_STATUS_UNSPECIFIED: _ClassVar[IncidentStatus]
    INCIDENT_STATUS_OPEN: _ClassVar[IncidentStatus]
    INCIDENT_STATUS_RESOLVED: _ClassVar[IncidentStatus]

class Severity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SEVERITY_UNSPECIFIED: _ClassVar[Severity]
    SEVERITY_INFO: _ClassVar[Severity]
    SEVERITY_WARNING: _ClassVar[Severity]
    SEVERITY_CRITICAL: _ClassVar[Severity]

class AnalysisState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ANALYSIS_STATE_UNSPECIFIED: _ClassVar[AnalysisState]
    ANALYSIS_STATE_PENDING: _ClassVar[AnalysisState]
    ANALYSIS_STATE_DONE: _ClassVar[AnalysisState]
    ANALYSIS_STATE_FAILED: _ClassVar[AnalysisState]

class DeliveryState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DELIVERY_STATE_UNSPECIFIED: _ClassVar[DeliveryState]
    DELIVERY_STATE_PENDING: _ClassVar[DeliveryState]
    DELIVERY_STATE_DONE: _ClassVar[DeliveryState]
    DELIVERY_STATE_FAILED: _ClassVar[DeliveryState]
FEEDBACK_KIND_UNSPECIFIED: FeedbackKind
FEEDBACK_KIND_CONFIRMED: FeedbackKind
FEEDBACK_KIND_REJECTED: FeedbackKind
INCIDENT_STATUS_UNSPECIFIED: IncidentStatus
INCIDENT_STATUS_OPEN: IncidentStatus
INCIDENT_STATUS_RESOLVED: IncidentStatus
SEVERITY_UNSPECIFIED: Severity
SEVERITY_INFO: Severity
SEVERITY_WARNING: Severity
SEVERITY_CRITICAL: Severity
ANALYSIS_STATE_UNSPECIFIED: AnalysisState
ANALYSIS_STATE_PENDING: AnalysisState
ANALYSIS_STATE_DONE: AnalysisState
ANALYSIS_STATE_FAILED: AnalysisState
DELIVERY_STATE_UNSPECIFIED: DeliveryState
DELIVERY_STATE_PENDING: DeliveryState
DELIVERY_STATE_DONE: DeliveryState
DELIVERY_STATE_FAILED: DeliveryState

class AlertGroup(_message.Message):
    __slots__ = ("source", "receiver", "group_key", "status", "alerts", "group_labels", "common_labels", "common_annotations", "external_url", "truncated_alerts")
    class GroupLabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class CommonLabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class CommonAnnotationsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    RECEIVER_FIELD_NUMBER: _ClassVar[int]
    GROUP_KEY_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ALERTS_FIELD_NUMBER: _ClassVar[int]
    GROUP_LABELS_FIELD_NUMBER: _ClassVar[int]
    COMMON_LABELS_FIELD_NUMBER: _ClassVar[int]
    COMMON_ANNOTATIONS_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_URL_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_ALERTS_FIELD_NUMBER: _ClassVar[int]
    source: str
    receiver: str
    group_key: str
    status: str
    alerts: _containers.RepeatedCompositeFieldContainer[Alert]
    group_labels: _containers.ScalarMap[str, str]
    common_labels: _containers.ScalarMap[str, str]
    common_annotations: _containers.ScalarMap[str, str]
    external_url: str
    truncated_alerts: int
    def __init__(self, source: _Optional[str] = ..., receiver: _Optional[str] = ..., group_key: _Optional[str] = ..., status: _Optional[str] = ..., alerts: _Optional[_Iterable[_Union[Alert, _Mapping]]] = ..., group_labels: _Optional[_Mapping[str, str]] = ..., common_labels: _Optional[_Mapping[str, str]] = ..., common_annotations: _Optional[_Mapping[str, str]] = ..., external_url: _Optional[str] = ..., truncated_alerts: _Optional[int] = ...) -> None: ...

class Alert(_message.Message):
    __slots__ = ("fingerprint", "status", "labels", "annotations", "starts_at", "ends_at", "generator_url")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class AnnotationsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    ANNOTATIONS_FIELD_NUMBER: _ClassVar[int]
    STARTS_AT_FIELD_NUMBER: _ClassVar[int]
    ENDS_AT_FIELD_NUMBER: _ClassVar[int]
    GENERATOR_URL_FIELD_NUMBER: _ClassVar[int]
    fingerprint: str
    status: str
    labels: _containers.ScalarMap[str, str]
    annotations: _containers.ScalarMap[str, str]
    starts_at: _timestamp_pb2.Timestamp
    ends_at: _timestamp_pb2.Timestamp
    generator_url: str
    def __init__(self, fingerprint: _Optional[str] = ..., status: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., annotations: _Optional[_Mapping[str, str]] = ..., starts_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ends_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., generator_url: _Optional[str] = ...) -> None: ...

class GetIncidentRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class ListIncidentsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "only_open")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ONLY_OPEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    only_open: bool
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., only_open: _Optional[bool] = ...) -> None: ...

class ListIncidentsResponse(_message.Message):
    __slots__ = ("incidents", "next_page_token")
    INCIDENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    incidents: _containers.RepeatedCompositeFieldContainer[Incident]
    next_page_token: str
    def __init__(self, incidents: _Optional[_Iterable[_Union[Incident, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class WatchIncidentsRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class FeedbackRequest(_message.Message):
    __slots__ = ("id", "entity", "fault_kind", "fix", "unseen")
    ID_FIELD_NUMBER: _ClassVar[int]
    ENTITY_FIELD_NUMBER: _ClassVar[int]
    FAULT_KIND_FIELD_NUMBER: _ClassVar[int]
    FIX_FIELD_NUMBER: _ClassVar[int]
    UNSEEN_FIELD_NUMBER: _ClassVar[int]
    id: str
    entity: str
    fault_kind: str
    fix: str
    unseen: bool
    def __init__(self, id: _Optional[str] = ..., entity: _Optional[str] = ..., fault_kind: _Optional[str] = ..., fix: _Optional[str] = ..., unseen: _Optional[bool] = ...) -> None: ...

class WithdrawFeedbackRequest(_message.Message):
    __slots__ = ("id", "entity")
    ID_FIELD_NUMBER: _ClassVar[int]
    ENTITY_FIELD_NUMBER: _ClassVar[int]
    id: str
    entity: str
    def __init__(self, id: _Optional[str] = ..., entity: _Optional[str] = ...) -> None: ...

class Incident(_message.Message):
    __slots__ = ("id", "source", "receiver", "group_key", "group_hash", "episode", "status", "severity", "opened_at", "received_at", "closed_at", "alerts", "group_labels", "truncated_alerts", "notifications", "revision", "analysis_state", "analysis_error", "analysis", "deliveries", "title", "feedback", "shared")
    class GroupLabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    RECEIVER_FIELD_NUMBER: _ClassVar[int]
    GROUP_KEY_FIELD_NUMBER: _ClassVar[int]
    GROUP_HASH_FIELD_NUMBER: _ClassVar[int]
    EPISODE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    OPENED_AT_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_AT_FIELD_NUMBER: _ClassVar[int]
    CLOSED_AT_FIELD_NUMBER: _ClassVar[int]
    ALERTS_FIELD_NUMBER: _ClassVar[int]
    GROUP_LABELS_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_ALERTS_FIELD_NUMBER: _ClassVar[int]
    NOTIFICATIONS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    ANALYSIS_STATE_FIELD_NUMBER: _ClassVar[int]
    ANALYSIS_ERROR_FIELD_NUMBER: _ClassVar[int]
    ANALYSIS_FIELD_NUMBER: _ClassVar[int]
    DELIVERIES_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    FEEDBACK_FIELD_NUMBER: _ClassVar[int]
    SHARED_FIELD_NUMBER: _ClassVar[int]
    id: str
    source: str
    receiver: str
    group_key: str
    group_hash: str
    episode: int
    status: IncidentStatus
    severity: Severity
    opened_at: _timestamp_pb2.Timestamp
    received_at: _timestamp_pb2.Timestamp
    closed_at: _timestamp_pb2.Timestamp
    alerts: _containers.RepeatedCompositeFieldContainer[Alert]
    group_labels: _containers.ScalarMap[str, str]
    truncated_alerts: int
    notifications: int
    revision: int
    analysis_state: AnalysisState
    analysis_error: str
    analysis: Analysis
    deliveries: _containers.RepeatedCompositeFieldContainer[Delivery]
    title: str
    feedback: _containers.RepeatedCompositeFieldContainer[Feedback]
    shared: SharedCause
    def __init__(self, id: _Optional[str] = ..., source: _Optional[str] = ..., receiver: _Optional[str] = ..., group_key: _Optional[str] = ..., group_hash: _Optional[str] = ..., episode: _Optional[int] = ..., status: _Optional[_Union[IncidentStatus, str]] = ..., severity: _Optional[_Union[Severity, str]] = ..., opened_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., received_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., closed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., alerts: _Optional[_Iterable[_Union[Alert, _Mapping]]] = ..., group_labels: _Optional[_Mapping[str, str]] = ..., truncated_alerts: _Optional[int] = ..., notifications: _Optional[int] = ..., revision: _Optional[int] = ..., analysis_state: _Optional[_Union[AnalysisState, str]] = ..., analysis_error: _Optional[str] = ..., analysis: _Optional[_Union[Analysis, _Mapping]] = ..., deliveries: _Optional[_Iterable[_Union[Delivery, _Mapping]]] = ..., title: _Optional[str] = ..., feedback: _Optional[_Iterable[_Union[Feedback, _Mapping]]] = ..., shared: _Optional[_Union[SharedCause, _Mapping]] = ...) -> None: ...

class Feedback(_message.Message):
    __slots__ = ("entity", "kind", "fault_kind", "fix", "actor", "at")
    ENTITY_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    FAULT_KIND_FIELD_NUMBER: _ClassVar[int]
    FIX_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    entity: str
    kind: FeedbackKind
    fault_kind: str
    fix: str
    actor: str
    at: _timestamp_pb2.Timestamp
    def __init__(self, entity: _Optional[str] = ..., kind: _Optional[_Union[FeedbackKind, str]] = ..., fault_kind: _Optional[str] = ..., fix: _Optional[str] = ..., actor: _Optional[str] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class SharedCause(_message.Message):
    __slots__ = ("id", "entity", "total", "members")
    ID_FIELD_NUMBER: _ClassVar[int]
    ENTITY_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    id: str
    entity: str
    total: int
    members: _containers.RepeatedCompositeFieldContainer[SharedMember]
    def __init__(self, id: _Optional[str] = ..., entity: _Optional[str] = ..., total: _Optional[int] = ..., members: _Optional[_Iterable[_Union[SharedMember, _Mapping]]] = ...) -> None: ...

class SharedMember(_message.Message):
    __slots__ = ("id", "title", "received_at", "open")
    ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_AT_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    id: str
    title: str
    received_at: _timestamp_pb2.Timestamp
    open: bool
    def __init__(self, id: _Optional[str] = ..., title: _Optional[str] = ..., received_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., open: _Optional[bool] = ...) -> None: ...

class Analysis(_message.Message):
    __slots__ = ("finished_at", "window_start", "window_end", "alerting", "causes", "no_cause_reason", "none_probability", "missing", "timeline", "seconds", "similar", "trouble_began", "resolution", "suspects")
    FINISHED_AT_FIELD_NUMBER: _ClassVar[int]
    WINDOW_START_FIELD_NUMBER: _ClassVar[int]
    WINDOW_END_FIELD_NUMBER: _ClassVar[int]
    ALERTING_FIELD_NUMBER: _ClassVar[int]
    CAUSES_FIELD_NUMBER: _ClassVar[int]
    NO_CAUSE_REASON_FIELD_NUMBER: _ClassVar[int]
    NONE_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    TIMELINE_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    SIMILAR_FIELD_NUMBER: _ClassVar[int]
    TROUBLE_BEGAN_FIELD_NUMBER: _ClassVar[int]
    RESOLUTION_FIELD_NUMBER: _ClassVar[int]
    SUSPECTS_FIELD_NUMBER: _ClassVar[int]
    finished_at: _timestamp_pb2.Timestamp
    window_start: _timestamp_pb2.Timestamp
    window_end: _timestamp_pb2.Timestamp
    alerting: _containers.RepeatedScalarFieldContainer[str]
    causes: _containers.RepeatedCompositeFieldContainer[Cause]
    no_cause_reason: str
    none_probability: float
    missing: _containers.RepeatedScalarFieldContainer[str]
    timeline: _containers.RepeatedCompositeFieldContainer[TimelineEntry]
    seconds: float
    similar: _containers.RepeatedCompositeFieldContainer[SimilarIncident]
    trouble_began: _timestamp_pb2.Timestamp
    resolution: float
    suspects: _containers.RepeatedCompositeFieldContainer[Suspect]
    def __init__(self, finished_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., window_start: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., window_end: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., alerting: _Optional[_Iterable[str]] = ..., causes: _Optional[_Iterable[_Union[Cause, _Mapping]]] = ..., no_cause_reason: _Optional[str] = ..., none_probability: _Optional[float] = ..., missing: _Optional[_Iterable[str]] = ..., timeline: _Optional[_Iterable[_Union[TimelineEntry, _Mapping]]] = ..., seconds: _Optional[float] = ..., similar: _Optional[_Iterable[_Union[SimilarIncident, _Mapping]]] = ..., trouble_began: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., resolution: _Optional[float] = ..., suspects: _Optional[_Iterable[_Union[Suspect, _Mapping]]] = ...) -> None: ...

class Suspect(_message.Message):
    __slots__ = ("entity", "weight", "finding")
    ENTITY_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    FINDING_FIELD_NUMBER: _ClassVar[int]
    entity: str
    weight: float
    finding: Finding
    def __init__(self, entity: _Optional[str] = ..., weight: _Optional[float] = ..., finding: _Optional[_Union[Finding, _Mapping]] = ...) -> None: ...

class SimilarIncident(_message.Message):
    __slots__ = ("id", "title", "entity", "fault_kind", "opened_at", "lasted", "score", "why", "confirmed", "fix")
    ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    ENTITY_FIELD_NUMBER: _ClassVar[int]
    FAULT_KIND_FIELD_NUMBER: _ClassVar[int]
    OPENED_AT_FIELD_NUMBER: _ClassVar[int]
    LASTED_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_FIELD_NUMBER: _ClassVar[int]
    FIX_FIELD_NUMBER: _ClassVar[int]
    id: str
    title: str
    entity: str
    fault_kind: str
    opened_at: _timestamp_pb2.Timestamp
    lasted: float
    score: float
    why: str
    confirmed: bool
    fix: str
    def __init__(self, id: _Optional[str] = ..., title: _Optional[str] = ..., entity: _Optional[str] = ..., fault_kind: _Optional[str] = ..., opened_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., lasted: _Optional[float] = ..., score: _Optional[float] = ..., why: _Optional[str] = ..., confirmed: _Optional[bool] = ..., fix: _Optional[str] = ...) -> None: ...

class Cause(_message.Message):
    __slots__ = ("rank", "entity", "fault_kind", "probability", "findings", "against", "path", "explanation", "proposals", "changes", "weight", "weighed", "temperature", "look")
    RANK_FIELD_NUMBER: _ClassVar[int]
    ENTITY_FIELD_NUMBER: _ClassVar[int]
    FAULT_KIND_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    AGAINST_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    PROPOSALS_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    WEIGHED_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    LOOK_FIELD_NUMBER: _ClassVar[int]
    rank: int
    entity: str
    fault_kind: str
    probability: float
    findings: _containers.RepeatedCompositeFieldContainer[Finding]
    against: _containers.RepeatedScalarFieldContainer[str]
    path: _containers.RepeatedScalarFieldContainer[str]
    explanation: str
    proposals: _containers.RepeatedCompositeFieldContainer[Proposal]
    changes: _containers.RepeatedCompositeFieldContainer[Change]
    weight: float
    weighed: _containers.RepeatedCompositeFieldContainer[Weighing]
    temperature: float
    look: _containers.RepeatedCompositeFieldContainer[Look]
    def __init__(self, rank: _Optional[int] = ..., entity: _Optional[str] = ..., fault_kind: _Optional[str] = ..., probability: _Optional[float] = ..., findings: _Optional[_Iterable[_Union[Finding, _Mapping]]] = ..., against: _Optional[_Iterable[str]] = ..., path: _Optional[_Iterable[str]] = ..., explanation: _Optional[str] = ..., proposals: _Optional[_Iterable[_Union[Proposal, _Mapping]]] = ..., changes: _Optional[_Iterable[_Union[Change, _Mapping]]] = ..., weight: _Optional[float] = ..., weighed: _Optional[_Iterable[_Union[Weighing, _Mapping]]] = ..., temperature: _Optional[float] = ..., look: _Optional[_Iterable[_Union[Look, _Mapping]]] = ...) -> None: ...

class Change(_message.Message):
    __slots__ = ("at", "kind", "seconds_before", "reason", "message", "actor")
    AT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SECONDS_BEFORE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    at: _timestamp_pb2.Timestamp
    kind: str
    seconds_before: float
    reason: str
    message: str
    actor: str
    def __init__(self, at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., kind: _Optional[str] = ..., seconds_before: _Optional[float] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ..., actor: _Optional[str] = ...) -> None: ...

class Weighing(_message.Message):
    __slots__ = ("what", "nats", "how")
    WHAT_FIELD_NUMBER: _ClassVar[int]
    NATS_FIELD_NUMBER: _ClassVar[int]
    HOW_FIELD_NUMBER: _ClassVar[int]
    what: str
    nats: float
    how: str
    def __init__(self, what: _Optional[str] = ..., nats: _Optional[float] = ..., how: _Optional[str] = ...) -> None: ...

class Look(_message.Message):
    __slots__ = ("what", "command")
    WHAT_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    what: str
    command: str
    def __init__(self, what: _Optional[str] = ..., command: _Optional[str] = ...) -> None: ...

class Finding(_message.Message):
    __slots__ = ("entity", "signal", "score", "onset", "direction", "sentence", "query", "link", "nats", "usual", "extreme", "unit", "subject", "until")
    ENTITY_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    ONSET_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    SENTENCE_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    LINK_FIELD_NUMBER: _ClassVar[int]
    NATS_FIELD_NUMBER: _ClassVar[int]
    USUAL_FIELD_NUMBER: _ClassVar[int]
    EXTREME_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    entity: str
    signal: str
    score: float
    onset: _timestamp_pb2.Timestamp
    direction: str
    sentence: str
    query: str
    link: str
    nats: float
    usual: float
    extreme: float
    unit: str
    subject: str
    until: _timestamp_pb2.Timestamp
    def __init__(self, entity: _Optional[str] = ..., signal: _Optional[str] = ..., score: _Optional[float] = ..., onset: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., direction: _Optional[str] = ..., sentence: _Optional[str] = ..., query: _Optional[str] = ..., link: _Optional[str] = ..., nats: _Optional[float] = ..., usual: _Optional[float] = ..., extreme: _Optional[float] = ..., unit: _Optional[str] = ..., subject: _Optional[str] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Proposal(_message.Message):
    __slots__ = ("kind", "title", "diff", "rationale", "risk", "rollback", "validation")
    KIND_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    DIFF_FIELD_NUMBER: _ClassVar[int]
    RATIONALE_FIELD_NUMBER: _ClassVar[int]
    RISK_FIELD_NUMBER: _ClassVar[int]
    ROLLBACK_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_FIELD_NUMBER: _ClassVar[int]
    kind: str
    title: str
    diff: str
    rationale: str
    risk: str
    rollback: str
    validation: str
    def __init__(self, kind: _Optional[str] = ..., title: _Optional[str] = ..., diff: _Optional[str] = ..., rationale: _Optional[str] = ..., risk: _Optional[str] = ..., rollback: _Optional[str] = ..., validation: _Optional[str] = ...) -> None: ...

class TimelineEntry(_message.Message):
    __slots__ = ("at", "what")
    AT_FIELD_NUMBER: _ClassVar[int]
    WHAT_FIELD_NUMBER: _ClassVar[int]
    at: _timestamp_pb2.Timestamp
    what: str
    def __init__(self, at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., what: _Optional[str] = ...) -> None: ...

class Delivery(_message.Message):
    __slots__ = ("sink", "state", "external_id", "attempts", "error", "updated_at")
    SINK_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    sink: str
    state: DeliveryState
    external_id: str
    attempts: int
    error: str
    updated_at: _timestamp_pb2.Timestamp
    def __init__(self, sink: _Optional[str] = ..., state: _Optional[_Union[DeliveryState, str]] = ..., external_id: _Optional[str] = ..., attempts: _Optional[int] = ..., error: _Optional[str] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
