"""A hospital group: an EMR, HL7 v2 and FHIR interfaces, nightly and hourly ETL, and telemetry of patients' monitors.

Wards and clinics work in the EMR; other systems send HL7 v2 messages through an interface engine and read FHIR. All
of them end up at one clinical database and one patient index, which is what makes this platform break in the same
place for many reasons.
"""

from __future__ import annotations

from brain_lab.platforms.draft import HPA, Draft
from brain_lab.platforms.model import Curve, Fleet, Platform, Role, Scaler

_KEDA = Scaler("keda", 600.0, 1, 6)


def build(seed: int) -> Platform:
    """The hospital group."""
    draft = Draft("healthcare", "clinic-prod", seed, ("general", "m6i.xlarge", 4, 16e9), least_replicas=1)
    _stores(draft)
    _clinical(draft)
    _interfaces(draft)
    _telemetry(draft)
    _analytics(draft)
    _promises(draft)
    return draft.finished()


def _stores(draft: Draft) -> None:
    draft.database("clinical-db", "data", own_seconds=0.003, reads=12.0)
    draft.database("patient-index-db", "data")
    draft.database("imaging-db", "data", reads=6.0)
    draft.database("billing-db", "data")
    draft.database("warehouse-db", "data", own_seconds=0.008, reads=40.0, hit_ratio=0.93)
    draft.cache("emr-cache", "data", hit_ratio=0.88)
    draft.cache("vitals-cache", "data", hit_ratio=0.96)
    draft.external("insurance-clearing", 180.0)
    draft.external("national-registry", 140.0)
    draft.external("drug-database", 60.0)
    for topic, partitions in (
        ("hl7-inbound", 12),
        ("vitals", 24),
        ("clinical-events", 12),
        ("alarms", 6),
        ("lab-results", 6),
    ):
        draft.topic(topic, "kafka", partitions)


def _clinical(draft: Draft) -> None:
    ns = "clinical"
    draft.service("emr-gateway", "edge", 1.5, 1.2, "identity-broker emr-web*0.7 emr-mobile*0.3", replicas=2, scaler=HPA)
    draft.service(
        "emr-web",
        ns,
        5.0,
        4.0,
        "chart-service*0.8 orders-api*0.25 scheduling-api*0.3 notes-service*0.3",
        language="dotnet",
        replicas=2,
        scaler=HPA,
    )
    draft.service(
        "emr-mobile", ns, 4.0, 3.0, "chart-service*0.7 medication-api*0.3 vitals-api*0.5", language="nodejs", replicas=2
    )
    draft.service("identity-broker", "edge", 2.0, 1.6, "emr-cache", language="java", replicas=2)
    draft.service("consent-service", ns, 1.5, 1.1, "emr-cache patient-index-db@emr-cache*1", replicas=2)
    draft.service("patient-index", ns, 2.0, 1.8, "patient-index-db*1.5", language="java", replicas=2, scaler=HPA)
    draft.service(
        "chart-service",
        ns,
        4.0,
        3.0,
        "consent-service patient-index*0.6 clinical-db*2 imaging-api?0.2",
        language="java",
        replicas=2,
        scaler=HPA,
    )
    draft.service("notes-service", ns, 3.0, 2.0, "consent-service clinical-db*1.5 audit-trail?1", language="java")
    draft.service(
        "orders-api",
        ns,
        3.0,
        2.2,
        "patient-index decision-support clinical-db*2",
        language="java",
        produces={"clinical-events": 1.0},
        replicas=2,
    )
    draft.service(
        "decision-support", ns, 6.0, 7.0, "medication-api*0.5 drug-database?0.4", language="python", replicas=2
    )
    draft.service("medication-api", ns, 2.5, 2.0, "clinical-db*1 drug-catalogue", language="java", replicas=2)
    draft.service("drug-catalogue", ns, 1.5, 1.0, "emr-cache")
    draft.service("scheduling-api", ns, 3.0, 2.0, "patient-index*0.5 clinical-db*1", language="dotnet")
    draft.service("imaging-api", ns, 6.0, 3.0, "consent-service imaging-db*1.5", language="java", volume_bytes=5e10)
    draft.service("dicom-store", ns, 15.0, 6.0, "imaging-db*1", language="java", volume_bytes=2e11)
    draft.service(
        "billing-api", "finance", 4.0, 2.5, "patient-index*0.5 billing-db*2 claims-adapter*0.2", language="dotnet"
    )
    draft.service("claims-adapter", "finance", 5.0, 2.0, "insurance-clearing billing-db*1", language="java")
    draft.service(
        "patient-portal",
        "edge",
        4.0,
        3.0,
        "identity-broker chart-service*0.4 scheduling-api*0.4 billing-api*0.2",
        language="nodejs",
        replicas=2,
    )
    draft.service("audit-trail", "compliance", 1.0, 0.8, "clinical-db*0.2")
    draft.entry("emr-gateway", 45.0)
    draft.entry("patient-portal", 12.0, Curve.EVENING)
    draft.entry("dicom-store", 1.5)


def _interfaces(draft: Draft) -> None:
    ns = "interfaces"
    draft.service("mllp-gateway", ns, 2.0, 1.0, "hl7-validator", produces={"hl7-inbound": 1.0}, replicas=2)
    draft.service("hl7-validator", ns, 1.5, 2.0, "terminology-service*0.3", language="java")
    draft.service("terminology-service", ns, 2.0, 1.4, "emr-cache", language="java", replicas=2)
    draft.service(
        "hl7-router",
        ns,
        4.0,
        2.5,
        "patient-index",
        role=Role.CONSUMER,
        consumes="hl7-inbound",
        produces={"clinical-events": 0.7, "lab-results": 0.3},
        language="java",
        scaler=_KEDA,
        replicas=2,
    )
    draft.service(
        "lab-results-importer",
        ns,
        6.0,
        3.0,
        "clinical-db*2",
        role=Role.CONSUMER,
        consumes="lab-results",
        language="java",
        scaler=_KEDA,
    )
    draft.service("fhir-gateway", "edge", 1.5, 1.2, "identity-broker fhir-server", replicas=2, scaler=HPA)
    draft.service(
        "fhir-server",
        ns,
        4.0,
        3.5,
        "consent-service fhir-store terminology-service*0.3",
        language="java",
        replicas=2,
        scaler=HPA,
    )
    draft.service("fhir-store", ns, 2.0, 1.6, "patient-index*0.3 clinical-db*1.8", language="java", replicas=2)
    draft.service(
        "fhir-subscriptions",
        ns,
        3.0,
        1.5,
        "fhir-store*0.3",
        role=Role.CONSUMER,
        consumes="clinical-events",
        language="java",
        scaler=_KEDA,
    )
    draft.service("registry-adapter", ns, 4.0, 1.5, "national-registry patient-index*0.5", language="java")
    draft.service("lab-order-api", ns, 3.0, 2.0, "orders-api*0.5 patient-index fhir-subscriptions<1", language="java")
    draft.entry("mllp-gateway", 35.0)
    draft.entry("fhir-gateway", 30.0)
    draft.entry("lab-order-api", 6.0)
    draft.entry("registry-adapter", 3.0)


def _telemetry(draft: Draft) -> None:
    ns = "telemetry"
    draft.service(
        "monitor-gateway", ns, 1.0, 0.5, "device-registry*0.1", produces={"vitals": 1.0}, replicas=3, scaler=HPA
    )
    draft.service("device-registry", ns, 1.5, 1.0, "patient-index-db*0.5")
    draft.service(
        "vitals-processor",
        ns,
        1.5,
        1.0,
        "vitals-cache",
        role=Role.CONSUMER,
        consumes="vitals",
        produces={"alarms": 0.01},
        language="java",
        scaler=Scaler("keda", 2500.0, 2, 8),
        replicas=2,
    )
    draft.service("vitals-api", ns, 2.0, 1.2, "vitals-cache consent-service*0.5", replicas=2)
    draft.service(
        "vitals-archiver",
        ns,
        1.2,
        0.6,
        "warehouse-db*0.05",
        role=Role.CONSUMER,
        consumes="vitals",
        scaler=Scaler("keda", 2500.0, 2, 8),
        replicas=2,
    )
    draft.service(
        "alarm-dispatcher", ns, 4.0, 2.0, "device-registry", role=Role.CONSUMER, consumes="alarms", language="java"
    )
    draft.service(
        "ward-dashboard",
        ns,
        4.0,
        3.0,
        "vitals-api*1.5 identity-broker vitals-processor<1",
        language="nodejs",
        replicas=2,
    )
    draft.entry("monitor-gateway", 320.0, Curve.FLAT)
    draft.entry("ward-dashboard", 20.0)
    draft.fleets.append(
        Fleet("bedside-monitor", "monitor-gateway", 1600, ("icu", "er", "cardiology", "surgery", "maternity"), 5.0)
    )


def _analytics(draft: Draft) -> None:
    ns = "analytics"
    for number, (name, database, period) in enumerate(
        (
            ("emr-extract", "clinical-db", 1800.0),
            ("claims-batch", "billing-db", 3600.0),
            ("quality-measures", "warehouse-db", 2700.0),
            ("cohort-builder", "warehouse-db", 5400.0),
            ("deidentification", "clinical-db", 4200.0),
        )
    ):
        draft.service(name, ns, 30.0, 25.0, f"{database}*5", role=Role.JOB, language="python")
        draft.entry(name, 3.0, Curve.BATCH, period=period, share=0.2 + 0.02 * number)
    draft.service("warehouse-api", ns, 8.0, 4.0, "warehouse-db*2", language="python")
    draft.service("report-portal", ns, 6.0, 4.0, "identity-broker warehouse-api", language="dotnet")
    draft.entry("report-portal", 3.0)


def _promises(draft: Draft) -> None:
    for name in (
        "emr-gateway",
        "patient-portal",
        "fhir-gateway",
        "mllp-gateway",
        "monitor-gateway",
        "ward-dashboard",
        "lab-order-api",
    ):
        draft.promise(name, 0.01)
    for name in ("chart-service", "orders-api", "fhir-server", "medication-api", "scheduling-api"):
        draft.promise(name, 0.01)
    for consumer in ("hl7-router", "vitals-processor", "lab-results-importer"):
        draft.promise_freshness(consumer, 30.0)
