"""The service's words as numbers of ``brain_api.rca.v1``; ``convert`` and ``received`` read the same tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from brain_api.rca.v1 import rca_pb2 as pb
from brain_rca.model import AnalysisState, DeliveryState, FeedbackKind, IncidentStatus, Severity

STATUS: Final[Mapping[IncidentStatus, pb.IncidentStatus]] = {
    IncidentStatus.OPEN: pb.INCIDENT_STATUS_OPEN,
    IncidentStatus.RESOLVED: pb.INCIDENT_STATUS_RESOLVED,
}
SEVERITY: Final[Mapping[Severity, pb.Severity]] = {
    Severity.INFO: pb.SEVERITY_INFO,
    Severity.WARNING: pb.SEVERITY_WARNING,
    Severity.CRITICAL: pb.SEVERITY_CRITICAL,
}
ANALYSIS: Final[Mapping[AnalysisState, pb.AnalysisState]] = {
    AnalysisState.PENDING: pb.ANALYSIS_STATE_PENDING,
    AnalysisState.DONE: pb.ANALYSIS_STATE_DONE,
    AnalysisState.FAILED: pb.ANALYSIS_STATE_FAILED,
}
DELIVERY: Final[Mapping[DeliveryState, pb.DeliveryState]] = {
    DeliveryState.PENDING: pb.DELIVERY_STATE_PENDING,
    DeliveryState.DONE: pb.DELIVERY_STATE_DONE,
    DeliveryState.FAILED: pb.DELIVERY_STATE_FAILED,
}
FEEDBACK: Final[Mapping[FeedbackKind, pb.FeedbackKind]] = {
    FeedbackKind.CONFIRMED: pb.FEEDBACK_KIND_CONFIRMED,
    FeedbackKind.REJECTED: pb.FEEDBACK_KIND_REJECTED,
}
