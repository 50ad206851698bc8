"""Vehicles and plants: edge devices that report, ingestion at a high rate, and GPU jobs on what came in.

Devices send heartbeats and sensor batches through regional gateways into Kafka. Stream processors feed a time-series
store and digital twins; perception models are trained and run on a pool of GPU nodes that one scheduler hands out.
"""

from __future__ import annotations

from brain_lab.platforms.draft import HPA, Draft
from brain_lab.platforms.model import Curve, Fleet, Platform, Role, Scaler

_KEDA = Scaler("keda", 3000.0, 2, 8)


def build(seed: int) -> Platform:
    """The vehicle platform."""
    draft = Draft("automotive", "vehicle-prod", seed, ("general", "c6i.xlarge", 4, 16e9), gpu_nodes=2)
    _stores(draft)
    _edge(draft)
    _ingestion(draft)
    _twins(draft)
    _learning(draft)
    _apps(draft)
    _promises(draft)
    return draft.finished()


def _stores(draft: Draft) -> None:
    draft.database("device-db", "data")
    draft.database("twin-db", "data", own_seconds=0.003)
    draft.database("timeseries-db", "data", writes=0.8, reads=4.0)
    draft.database("jobs-db", "data")
    draft.database("commerce-db", "data")
    draft.cache("twin-cache", "data", hit_ratio=0.9)
    draft.cache("token-cache", "data", hit_ratio=0.98)
    draft.external("map-provider", 70.0)
    draft.external("payment-provider", 130.0)
    draft.external("charging-network", 110.0)
    for topic, partitions in (
        ("heartbeats", 24),
        ("sensor-batches", 48),
        ("events", 12),
        ("inference-requests", 12),
        ("ota-status", 6),
    ):
        draft.topic(topic, "kafka", partitions)


def _edge(draft: Draft) -> None:
    ns = "edge"
    draft.service(
        "mqtt-gateway", ns, 0.8, 0.5, "device-auth*0.05", produces={"heartbeats": 1.0}, replicas=3, scaler=HPA
    )
    draft.service("device-auth", ns, 1.5, 1.5, "token-cache device-db@token-cache*1", replicas=2)
    draft.service(
        "sensor-ingest",
        ns,
        1.5,
        1.2,
        "device-auth*0.1 schema-registry*0.05",
        produces={"sensor-batches": 1.0},
        replicas=3,
        scaler=HPA,
    )
    draft.service("schema-registry", ns, 1.0, 0.6, "device-db*0.2")
    draft.service("firmware-api", ns, 3.0, 1.8, "device-auth device-registry artifact-store", replicas=2)
    draft.service("artifact-store", ns, 8.0, 2.5, "", language="java", volume_bytes=2e11)
    draft.entry("mqtt-gateway", 420.0, Curve.FLAT)
    draft.entry("sensor-ingest", 260.0, Curve.EVENING)
    draft.entry("firmware-api", 8.0)
    draft.fleets.append(
        Fleet("vehicle", "mqtt-gateway", 12600, ("emea-north", "emea-south", "amer-east", "amer-west", "apac"), 30.0)
    )
    draft.fleets.append(Fleet("plant-controller", "sensor-ingest", 900, ("plant-1", "plant-2", "plant-3"), 10.0))


def _ingestion(draft: Draft) -> None:
    ns = "ingestion"
    draft.service(
        "heartbeat-tracker",
        ns,
        1.0,
        0.5,
        "twin-cache",
        role=Role.CONSUMER,
        consumes="heartbeats",
        scaler=_KEDA,
        replicas=2,
    )
    draft.service(
        "sensor-decoder",
        ns,
        1.5,
        2.2,
        "schema-registry*0.02",
        role=Role.CONSUMER,
        consumes="sensor-batches",
        produces={"events": 0.05, "inference-requests": 0.02},
        scaler=_KEDA,
        replicas=2,
    )
    draft.service(
        "timeseries-writer",
        ns,
        2.0,
        1.0,
        "timeseries-db*0.2",
        role=Role.CONSUMER,
        consumes="sensor-batches",
        scaler=_KEDA,
        replicas=2,
    )
    draft.service(
        "event-detector",
        ns,
        3.0,
        2.5,
        "twin-cache",
        role=Role.CONSUMER,
        consumes="events",
        language="java",
        scaler=_KEDA,
    )
    draft.service("ota-tracker", ns, 3.0, 1.5, "device-registry", role=Role.CONSUMER, consumes="ota-status")
    draft.service("geo-enricher", ns, 3.0, 1.5, "map-provider*0.1", language="go")
    draft.service("dead-letter-handler", ns, 5.0, 2.0, "timeseries-db*0.2", language="python")


def _twins(draft: Draft) -> None:
    ns = "twins"
    draft.service("twin-api", ns, 1.5, 1.2, "twin-cache twin-store@twin-cache*1", replicas=2, scaler=HPA)
    draft.service("twin-store", ns, 2.0, 1.5, "twin-db*1.5", language="java", replicas=2)
    draft.service("device-registry", ns, 1.5, 1.2, "device-db*1.2", replicas=2)
    draft.service("telemetry-query", ns, 5.0, 3.0, "timeseries-db*2", language="java", replicas=2, scaler=HPA)
    draft.service(
        "command-service",
        ns,
        2.5,
        1.8,
        "device-registry twin-api mqtt-bridge heartbeat-tracker<1",
        language="java",
        replicas=2,
    )
    draft.service("mqtt-bridge", ns, 2.0, 1.0, "device-auth*0.3")
    draft.service("geofence-service", ns, 3.0, 2.0, "twin-api geo-enricher", language="go")
    draft.service("diagnostics-api", ns, 4.0, 3.0, "telemetry-query twin-api", language="python")
    draft.service(
        "predictive-maintenance", ns, 6.0, 6.0, "telemetry-query*1.5 model-server*0.5", language="python", replicas=2
    )


def _learning(draft: Draft) -> None:
    ns = "learning"
    draft.service("model-server", ns, 12.0, 4.0, "feature-server", language="python", replicas=2, gpus=1)
    draft.service("feature-server", ns, 3.0, 2.0, "twin-cache", language="python", replicas=2)
    draft.service(
        "perception-inference",
        ns,
        40.0,
        8.0,
        "feature-server",
        role=Role.CONSUMER,
        consumes="inference-requests",
        language="python",
        replicas=2,
        gpus=1,
        scaler=Scaler("keda", 200.0, 2, 3),
    )
    draft.service("job-api", ns, 4.0, 2.5, "gpu-scheduler jobs-db*1.5", language="python")
    draft.service("gpu-scheduler", ns, 3.0, 2.0, "jobs-db*1")
    draft.service(
        "training-worker", ns, 900.0, 60.0, "dataset-api*2", role=Role.JOB, language="python", replicas=2, gpus=1
    )
    draft.service("dataset-api", ns, 8.0, 4.0, "timeseries-db*1 artifact-store*0.5", language="python")
    draft.service("labeling-portal", ns, 5.0, 3.0, "dataset-api job-api*0.2", language="nodejs")
    draft.entry("job-api", 4.0)
    draft.entry("training-worker", 2.0, Curve.BATCH, period=3000.0, share=0.6)
    draft.entry("labeling-portal", 5.0)


def _apps(draft: Draft) -> None:
    ns = "apps"
    draft.service(
        "driver-app-bff",
        ns,
        3.0,
        2.5,
        "session-api twin-api*1.2 command-service*0.2 charging-api*0.2 trip-service*0.3",
        language="nodejs",
        replicas=2,
        scaler=HPA,
    )
    draft.service(
        "fleet-portal-bff",
        ns,
        4.0,
        3.0,
        "session-api telemetry-query*0.5 diagnostics-api*0.3 geofence-service*0.3 predictive-maintenance*0.2",
        language="nodejs",
        replicas=2,
    )
    draft.service("app-gateway", "edge", 1.0, 0.8, "driver-app-bff*0.7 fleet-portal-bff*0.3", replicas=2, scaler=HPA)
    draft.service("session-api", ns, 1.5, 1.2, "token-cache", replicas=2)
    draft.service("charging-api", ns, 3.0, 2.0, "charging-network*0.5 billing-service*0.3 twin-api", language="java")
    draft.service("billing-service", ns, 4.0, 2.0, "payment-provider commerce-db*2", language="java")
    draft.service("trip-service", ns, 3.0, 2.0, "telemetry-query*0.5 twin-api", language="java")
    draft.service(
        "ota-campaigns",
        ns,
        4.0,
        2.5,
        "device-registry firmware-api*0.3 commerce-db*0.5",
        language="java",
        produces={"ota-status": 1.0},
    )
    draft.service("usage-rollup", ns, 25.0, 20.0, "timeseries-db*4 commerce-db*1", role=Role.JOB, language="python")
    draft.entry("app-gateway", 70.0, Curve.EVENING)
    draft.entry("ota-campaigns", 6.0)
    draft.entry("usage-rollup", 4.0, Curve.BATCH, period=2400.0, share=0.2)
    draft.entry("dead-letter-handler", 2.0, Curve.FLAT)


def _promises(draft: Draft) -> None:
    for name in (
        "mqtt-gateway",
        "sensor-ingest",
        "firmware-api",
        "app-gateway",
        "command-service",
        "twin-api",
        "telemetry-query",
        "job-api",
    ):
        draft.promise(name, 0.01)
    for name in ("driver-app-bff", "fleet-portal-bff", "diagnostics-api", "labeling-portal", "ota-campaigns"):
        draft.promise(name, 0.01)
    for consumer in ("heartbeat-tracker", "sensor-decoder", "timeseries-writer", "perception-inference"):
        draft.promise_freshness(consumer, 30.0)
