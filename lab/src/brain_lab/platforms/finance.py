"""A bank: 200 services for payments, fraud detection, ledger and two dozen product domains, on Kafka, RDS and Redis.

Everything the customers see goes through two gateways. Payments are scored for fraud and posted to the ledger;
sanctions are screened by a Kafka Streams pipeline that instant payments wait for. The product domains share databases
and a handful of services everybody asks: authorisation, customer profile, limits, audit.
"""

from __future__ import annotations

from typing import Final

from brain_lab.platforms.draft import HPA, Draft
from brain_lab.platforms.model import Curve, Platform, Role, Scaler

# Product domain: (namespace, database, language of what is not plain Go)
_DOMAINS: Final = {
    "accounts": ("retail", "customer-db", "java"),
    "deposits": ("retail", "customer-db", "java"),
    "transfers": ("payments", "payments-db", "java"),
    "standing-orders": ("payments", "payments-db", "java"),
    "direct-debits": ("payments", "payments-db", "go"),
    "cards": ("cards", "cards-db", "java"),
    "card-controls": ("cards", "cards-db", "go"),
    "disputes": ("cards", "cards-db", "python"),
    "rewards": ("cards", "engagement-db", "nodejs"),
    "fx": ("markets", "markets-db", "go"),
    "trading": ("markets", "markets-db", "java"),
    "wealth": ("markets", "wealth-db", "java"),
    "treasury": ("markets", "wealth-db", "java"),
    "lending": ("credit", "credit-db", "java"),
    "mortgages": ("credit", "credit-db", "java"),
    "credit-risk": ("credit", "risk-db", "python"),
    "collections": ("credit", "credit-db", "python"),
    "merchants": ("acquiring", "acquiring-db", "go"),
    "settlement": ("acquiring", "acquiring-db", "java"),
    "onboarding": ("identity", "identity-db", "nodejs"),
    "documents": ("platform", "documents-db", "nodejs"),
    "notifications": ("platform", "engagement-db", "go"),
    "statements": ("retail", "documents-db", "java"),
    "pricing": ("platform", "engagement-db", "go"),
    "tax": ("compliance", "risk-db", "java"),
    "regulatory-reporting": ("compliance", "risk-db", "java"),
}
_JOBS: Final = (
    ("ledger-reconciliation", "ledger", "ledger-db"),
    ("nostro-reconciliation", "ledger", "ledger-db"),
    ("card-settlement-reconciliation", "cards", "cards-db"),
    ("sepa-reconciliation", "payments", "payments-db"),
    ("interest-accrual", "retail", "customer-db"),
    ("end-of-day-positions", "markets", "markets-db"),
    ("statement-generation", "retail", "documents-db"),
    ("sanctions-list-refresh", "compliance", "risk-db"),
    ("aml-batch-scoring", "compliance", "risk-db"),
    ("credit-bureau-upload", "credit", "credit-db"),
    ("merchant-payout", "acquiring", "acquiring-db"),
    ("dormant-account-scan", "retail", "customer-db"),
    ("limit-recalculation", "payments", "payments-db"),
    ("report-archival", "compliance", "documents-db"),
)
_KEDA: Final = Scaler("keda", 400.0, 1, 6)


def build(seed: int) -> Platform:
    """The bank."""
    draft = Draft("finance", "bank-prod", seed, ("general", "m6i.xlarge", 4, 16e9))
    _stores(draft)
    _shared(draft)
    _payments(draft)
    _fraud(draft)
    _ledger(draft)
    for number, (domain, (namespace, database, language)) in enumerate(_DOMAINS.items()):
        _domain(draft, number, domain, namespace, database, language)
    _pipelines(draft)
    _jobs(draft)
    _front(draft)
    _promises(draft)
    return draft.finished()


def _stores(draft: Draft) -> None:
    for name in sorted({database for _, database, _ in _DOMAINS.values()}):
        draft.database(name, "data")
    draft.database("ledger-db", "data", own_seconds=0.003, writes=1.2, cpu_seconds=0.0008)
    draft.database("fraud-db", "data")
    draft.database("audit-db", "data", writes=1.5, reads=1.0)
    draft.cache("session-cache", "data", hit_ratio=0.97)
    draft.cache("balance-cache", "data", hit_ratio=0.85)
    draft.cache("feature-cache", "data", hit_ratio=0.92)
    draft.cache("quote-cache", "data", hit_ratio=0.9)
    for name, ms in (
        ("card-network", 95.0),
        ("sepa-clearing", 120.0),
        ("swift-gateway", 160.0),
        ("credit-bureau", 210.0),
    ):
        draft.external(name, ms)
    draft.external("device-reputation", 45.0)
    draft.external("sms-provider", 90.0)
    for topic, partitions in (
        ("payment-events", 24),
        ("screening-requests", 12),
        ("ledger-entries", 24),
        ("audit-events", 12),
    ):
        draft.topic(topic, "kafka", partitions)
    for topic in ("card-authorisations", "customer-events", "fraud-alerts", "notification-requests", "market-ticks"):
        draft.topic(topic, "kafka")


def _shared(draft: Draft) -> None:
    """What everybody asks."""
    draft.service("authz-service", "identity", 1.0, 0.8, "session-cache", replicas=3, scaler=HPA)
    draft.service("token-service", "identity", 1.5, 1.4, "session-cache identity-db*0.1", replicas=2)
    draft.service(
        "customer-profile",
        "retail",
        2.0,
        1.6,
        "session-cache customer-db@session-cache*1.5",
        language="java",
        replicas=2,
        scaler=HPA,
    )
    draft.service("limits-service", "payments", 1.5, 1.2, "balance-cache payments-db@balance-cache*1", replicas=2)
    draft.service("audit-writer", "compliance", 1.0, 0.7, "", produces={"audit-events": 1.0}, replicas=2)
    draft.service("config-service", "platform", 0.8, 0.4)
    draft.service("fx-rates", "markets", 1.0, 0.6, "quote-cache markets-db@quote-cache*1")
    draft.service("document-renderer", "platform", 25.0, 18.0, "documents-db*1", language="nodejs")
    draft.service("address-lookup", "identity", 4.0, 1.5, "customer-db*0.5")


def _payments(draft: Draft) -> None:
    ns = "payments"
    draft.service(
        "payments-api", ns, 2.0, 2.0, "authz-service payments-orchestrator", language="java", replicas=3, scaler=HPA
    )
    draft.service(
        "instant-payments-api",
        ns,
        2.0,
        2.0,
        "authz-service payments-orchestrator*1 screening-worker<1",
        language="java",
        produces={"screening-requests": 1.0},
        replicas=2,
    )
    draft.service(
        "payments-orchestrator",
        ns,
        4.0,
        3.0,
        "payment-validator limits-service fraud-gateway ledger-api payment-router audit-writer?1",
        language="java",
        produces={"payment-events": 1.0},
        replicas=3,
        scaler=HPA,
    )
    draft.service(
        "payment-validator", ns, 1.5, 1.5, "iban-registry beneficiary-directory*0.6 config-service*0.2", language="java"
    )
    draft.service("cutoff-calendar", ns, 0.6, 0.4)
    draft.service("beneficiary-directory", ns, 1.4, 0.9, "payments-db*1")
    draft.service("iban-registry", ns, 1.0, 0.5, "payments-db*0.3")
    draft.service(
        "payment-router",
        ns,
        2.0,
        1.5,
        "sepa-adapter*0.5 swift-adapter*0.08 card-adapter*0.3 instant-adapter*0.12 cutoff-calendar",
        language="java",
    )
    draft.service("sepa-adapter", ns, 3.0, 1.5, "sepa-clearing payments-db*1", language="java")
    draft.service("swift-adapter", ns, 4.0, 2.0, "swift-gateway payments-db*1", language="java")
    draft.service("card-adapter", ns, 3.0, 1.5, "card-network cards-db*1", language="java")
    draft.service("instant-adapter", ns, 3.0, 1.5, "sepa-clearing payments-db*1", language="go")
    draft.service("payment-status", ns, 1.5, 1.0, "payments-db*1.2", replicas=2)


def _fraud(draft: Draft) -> None:
    ns = "fraud"
    draft.service(
        "fraud-gateway",
        ns,
        1.5,
        1.2,
        "fraud-features fraud-scorer device-intelligence?1 fraud-rules",
        replicas=2,
        scaler=HPA,
    )
    draft.service("fraud-features", ns, 2.0, 1.5, "feature-cache fraud-db@feature-cache*2", replicas=2)
    draft.service("fraud-scorer", ns, 2.0, 12.0, "model-registry*0.02", language="python", replicas=3, scaler=HPA)
    draft.service("fraud-rules", ns, 2.5, 2.0, "fraud-db*0.4", language="java")
    draft.service("device-intelligence", ns, 2.0, 1.0, "device-reputation*0.6 feature-cache", language="nodejs")
    draft.service("model-registry", ns, 5.0, 1.0, "fraud-db*1", language="python")
    draft.service("case-management", ns, 6.0, 4.0, "fraud-db*3 documents-core*0.2", language="dotnet")


def _ledger(draft: Draft) -> None:
    ns = "ledger"
    draft.service(
        "ledger-api", ns, 1.5, 1.4, "ledger-posting*0.7 balance-service*0.6", language="java", replicas=2, scaler=HPA
    )
    draft.service(
        "ledger-posting",
        ns,
        3.0,
        2.2,
        "ledger-db*2 chart-of-accounts*0.3",
        language="java",
        produces={"ledger-entries": 2.0},
        replicas=2,
    )
    draft.service("balance-service", ns, 1.2, 1.0, "balance-cache ledger-db@balance-cache*1", replicas=2)
    draft.service("chart-of-accounts", ns, 1.0, 0.6, "ledger-db*0.2", language="java")


def _domain(draft: Draft, number: int, domain: str, namespace: str, database: str, language: str) -> None:
    """Front, core, rules, store, query and events of a product domain."""
    speed = 1.0 + 0.25 * (number % 4)
    shared = ("customer-profile*0.4", "limits-service*0.3", "fx-rates*0.2", "customer-profile*0.2 address-lookup?0.2")[
        number % 4
    ]
    draft.service(
        f"{domain}-api",
        namespace,
        1.5 * speed,
        1.6,
        f"authz-service {domain}-core*0.5 {domain}-query*0.6",
        language=language,
    )
    special = {
        "statements": " document-renderer*0.05",
        "credit-risk": " credit-bureau*0.1",
        "documents": " document-renderer*0.1",
    }
    draft.service(
        f"{domain}-core",
        namespace,
        3.0 * speed,
        2.6,
        f"{domain}-rules {domain}-store*1.2 {shared} audit-writer?0.5{special.get(domain, '')}",
        language=language,
        produces={"customer-events": 0.5},
    )
    draft.service(f"{domain}-rules", namespace, 1.2 * speed, 1.4, "config-service*0.3", language=language)
    draft.service(f"{domain}-store", namespace, 1.2, 0.9, f"{database}*1.4")
    draft.service(f"{domain}-query", namespace, 1.6, 1.2, f"session-cache {database}*0.8")


def _pipelines(draft: Draft) -> None:
    """Kafka Streams applications and plain consumers."""
    for name, namespace, topic, ms, calls, produces in (
        ("screening-worker", "compliance", "screening-requests", 14.0, "risk-db*1 feature-cache", {}),
        ("payment-enricher", "payments", "payment-events", 3.0, "customer-profile*0.5", {"notification-requests": 0.4}),
        ("fraud-stream-scorer", "fraud", "payment-events", 5.0, "fraud-features", {"fraud-alerts": 0.02}),
        ("payment-projector", "payments", "payment-events", 2.5, "payments-db*1", {}),
        ("ledger-projector", "ledger", "ledger-entries", 1.5, "balance-cache*1", {}),
        ("general-ledger-feed", "ledger", "ledger-entries", 2.0, "ledger-db*0.2", {}),
        ("audit-archiver", "compliance", "audit-events", 2.0, "audit-db*1", {}),
        ("card-authorisation-stream", "cards", "card-authorisations", 4.0, "cards-db*1", {"fraud-alerts": 0.01}),
        ("customer-360", "retail", "customer-events", 4.0, "customer-db*1", {}),
        ("segment-builder", "retail", "customer-events", 2.0, "engagement-db*0.5", {}),
        ("fraud-alert-router", "fraud", "fraud-alerts", 8.0, "case-management*1", {}),
        ("notification-sender", "platform", "notification-requests", 6.0, "sms-provider*0.3 engagement-db*1", {}),
        ("market-data-normaliser", "markets", "market-ticks", 0.8, "quote-cache*1", {}),
        ("position-keeper", "markets", "market-ticks", 1.0, "markets-db*0.1", {}),
    ):
        draft.service(
            name,
            namespace,
            ms,
            1.5,
            calls,
            role=Role.CONSUMER,
            consumes=topic,
            produces=produces,
            language="java",
            scaler=_KEDA,
            replicas=2,
        )


def _jobs(draft: Draft) -> None:
    for number, (name, namespace, database) in enumerate(_JOBS):
        draft.service(name, namespace, 20.0, 15.0, f"{database}*4", role=Role.JOB, language="python")
        draft.entry(name, 6.0, Curve.BATCH, period=2700.0 + 400.0 * number, share=0.15)


def _front(draft: Draft) -> None:
    retail = " ".join(f"{domain}-api*{0.02 + 0.012 * (n % 5):.3f}" for n, domain in enumerate(_DOMAINS))
    for bff in ("web-bff", "mobile-bff"):
        draft.service(
            bff,
            "edge",
            4.0,
            3.0,
            f"token-service payments-api*0.12 payment-status*0.1 {retail}",
            language="nodejs",
            replicas=3,
            scaler=HPA,
        )
    draft.service("edge-gateway", "edge", 1.0, 0.8, "web-bff*0.45 mobile-bff*0.55", replicas=3, scaler=HPA)
    draft.service(
        "open-banking-api",
        "edge",
        3.0,
        2.2,
        "token-service accounts-api*0.7 payments-api*0.2",
        language="java",
        replicas=2,
    )
    draft.service(
        "merchant-gateway",
        "edge",
        2.0,
        1.6,
        "token-service card-authorisation merchants-api*0.1",
        replicas=2,
        scaler=HPA,
    )
    draft.service(
        "card-authorisation",
        "cards",
        2.5,
        2.2,
        "fraud-gateway cards-store*1 limits-service",
        language="java",
        produces={"card-authorisations": 1.0},
        replicas=2,
        scaler=HPA,
    )
    draft.service("market-data-gateway", "markets", 1.0, 0.5, "", produces={"market-ticks": 4.0})
    draft.service(
        "branch-portal",
        "edge",
        5.0,
        4.0,
        "token-service customer-profile accounts-api*0.5 lending-api*0.3 documents-api*0.2",
        language="dotnet",
    )
    draft.service(
        "backoffice-portal",
        "edge",
        6.0,
        4.0,
        "token-service case-management*0.3 disputes-api*0.4 collections-api*0.3",
        language="dotnet",
    )
    draft.entry("edge-gateway", 170.0)
    draft.entry("open-banking-api", 30.0)
    draft.entry("merchant-gateway", 55.0)
    draft.entry("instant-payments-api", 9.0)
    draft.entry("market-data-gateway", 40.0, Curve.FLAT)
    draft.entry("branch-portal", 8.0)
    draft.entry("backoffice-portal", 5.0)


def _promises(draft: Draft) -> None:
    """What the bank has promised: to customers, and of payments, fraud and ledger to each other."""
    for name in ("edge-gateway", "open-banking-api", "merchant-gateway", "branch-portal", "backoffice-portal"):
        draft.promise(name, 0.005)
    for name in (
        "payments-api",
        "instant-payments-api",
        "card-authorisation",
        "fraud-gateway",
        "ledger-api",
        "payment-status",
    ):
        draft.promise(name, 0.005)
    for domain in _DOMAINS:
        draft.promise(f"{domain}-api", 0.01)
    for consumer in (
        "screening-worker",
        "payment-projector",
        "ledger-projector",
        "audit-archiver",
        "customer-360",
        "notification-sender",
    ):
        draft.promise_freshness(consumer, 30.0)
