"""The level that each signal of an exporter must have, worked out by hand from ``expositions``: see ``samples``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_BY_ENTITY: Final[Mapping[str, Mapping[str, float]]] = {
    "lab//database/accounts-db": {
        "rds_cpu": 55,
        "rds_connections": 40,
        "rds_disk_queue": 6,
        "rds_storage_free": 5e09,
        "rds_memory_free": 2e09,
        "rds_reads": 900,
        "rds_writes": 300,
        "rds_read_latency": 0.004,
        "rds_write_latency": 0.006,
    },
    "lab//cloud-resource/nat-1": {
        "nat_gateway_bytes": 1e08,
        "nat_gateway_connections": 1200,
        "nat_gateway_port_errors": 5,
        "nat_gateway_dropped": 8,
    },
    "lab//topic/mails": {
        "sqs_oldest_message": 77,
        "sqs_messages_waiting": 500,
    },
    "lab//cloud-resource/edge": {
        "alb_requests": 100,
        "alb_latency": 0.25,
        "alb_errors": 1,
        "alb_target_errors": 2,
        "alb_unhealthy_targets": 2,
    },
    "lab//database/carts": {
        "dynamodb_throttled": 3,
        "dynamodb_errors": 0.5,
        "dynamodb_latency": 0.012,
    },
    "lab//service/resize": {
        "lambda_invocations": 10,
        "lambda_error_ratio": 0.1,
        "lambda_duration": 0.35,
        "lambda_throttled": 2,
    },
    "lab/shop/workload/search": {
        "istio_certificate_expired": 1,
        "istio_request_rate": 10,
        "istio_error_ratio": 0.1,
        "istio_latency_mean": 0.2,
        "cost_of_workload": 0.4,
        "cost_of_workload_unused": 0.1,
        "cost_of_request": 2e-05,
    },
    "lab/210987654321/cloud-resource/AmazonEC2": {
        "cost_spike_score": 40,
        "cost_of_hour": 13.5,
        "cost_anomaly_impact": 0,
    },
    "lab/210987654321/cloud-resource/AmazonRDS": {
        "cost_anomaly_impact": 77,
    },
    "lab/210987654321/cloud-resource/shop-monthly": {
        "cost_budget_burn_rate": 1.4,
    },
    "lab/shop/cloud-resource/shop-tls": {
        "certificate_expired": 1,
        "certificate_not_ready": 1,
    },
    "lab/shop/service/cart": {
        "pod_network_received": 1000,
        "pod_network_sent": 2000,
        "istio_request_rate": 3,
        "autoscaler_desired": 8,
        "autoscaler_not_satisfied": 3,
    },
    "lab//database/sessions": {
        "redis_commands": 100,
        "redis_hit_ratio": 0.8,
        "redis_memory_of_limit": 0.75,
        "redis_cpu": 0.5,
        "redis_clients": 77,
        "redis_rejected_connections": 1,
        "redis_evicted_keys": 2,
        "redis_down": 1,
    },
    "lab//database/ledger-db": {
        "postgres_connections_used": 0.8,
        "postgres_waiting_in_transaction": 20,
        "postgres_longest_transaction": 42,
        "postgres_locks": 7,
        "postgres_deadlocks": 1,
        "postgres_commits": 50,
        "postgres_rollbacks": 0.5,
        "postgres_blocks_read": 20,
        "postgres_replication_lag": 3,
        "postgres_down": 1,
    },
    "lab//database/catalog-mysql": {
        "mysql_connections_used": 0.5,
        "mysql_threads_running": 12,
        "mysql_queries": 100,
        "mysql_slow_queries": 2,
        "mysql_row_lock_waits": 3,
        "mysql_replication_lag": 9,
        "mysql_down": 1,
    },
    "lab//cloud-resource/shop-services": {
        "gitlab_pipeline_failed": 1,
        "gitlab_pipeline_duration": 45,
        "gitlab_pipeline_queued": 300,
    },
    "lab/ci/workload/gitlab-runner": {
        "gitlab_runner_job_failures": 0.01,
        "gitlab_runner_busy": 0.8,
    },
    "lab/shop/workload/catalog": {
        "argocd_app_degraded": 1,
        "argocd_app_out_of_sync": 1,
        "argocd_sync_failures": 6,
    },
    "lab/kube-system/workload/coredns": {
        "coredns_requests": 10,
        "coredns_error_ratio": 0.25,
        "coredns_latency_p99": 0.00199,
        "coredns_panics": 1,
    },
    "lab//node/gpu-1": {
        "gpu_busy": 80,
        "gpus_present": 2,
        "gpu_memory_used": 0.75,
        "gpu_temperature": 81,
        "gpu_xid_errors": 1,
        "cost_of_node_idle": 2.5,
    },
    "lab/emoji/workload/voting": {
        "linkerd_request_rate": 5,
        "linkerd_error_ratio": 0.2,
        "linkerd_latency_p95": 0.195,
    },
    "lab//service/billing": {
        "kafka_consumer_lag": 42,
        "kafka_consumed": 10,
    },
    "lab//topic/orders": {
        "kafka_topic_messages": 20,
        "kafka_topic_under_replicated": 1,
    },
    "lab//workload/kafka": {
        "kafka_brokers": 3,
    },
    "lab/kafka/workload/events-kafka": {
        "kafka_broker_under_replicated": 4,
        "kafka_offline_partitions": 1,
    },
    "lab/monitoring/workload/prometheus-k8s": {
        "target_down": 1,
        "prometheus_rule_failures": 1,
        "prometheus_notifications_dropped": 2,
        "prometheus_head_series": 2e06,
        "prometheus_samples": 100000,
    },
    "lab/monitoring/workload/thanos-compact": {
        "thanos_compactor_halted": 1,
        "thanos_bucket_failures": 1,
    },
    "lab/monitoring/workload/thanos-query": {
        "thanos_query_store_failures": 2,
    },
    "lab/monitoring/workload/alertmanager-main": {
        "alertmanager_notification_failures": 1,
    },
    "lab/brain/workload/brain-rca": {
        "brain_publish_failures": 1,
        "brain_evidence_failures": 2,
        "brain_oldest_due": 150,
    },
    "lab/brain/workload/brain-otel": {
        "brain_rows_dropped": 3,
    },
    "lab//node/10.0.0.7": {
        "node_retransmits": 0.1,
    },
    "lab/shop/workload/bonus": {
        "hikari_pool_used": 0.9,
        "hikari_pool_waiting": 13,
        "hikari_pool_timeouts": 1,
        "tomcat_threads_busy": 0.75,
        "executor_queued": 31,
        "jvm_heap_used": 0.8,
        "jvm_gc_pause": 0.05,
        "jvm_threads": 64,
        "goroutines": 900,
        "open_files": 0.5,
    },
    "lab/shop/workload/mailer": {
        "keda_scaler_errors": 2,
        "keda_scaler_value": 30,
    },
    "lab/kube-system/workload/karpenter": {
        "karpenter_unschedulable_pods": 11,
        "karpenter_nodes": 24,
        "karpenter_nodes_created": 0.01,
        "karpenter_nodes_disrupted": 0.02,
        "karpenter_cloud_errors": 0.05,
    },
    "lab/kube-system/workload/cluster-autoscaler": {
        "cluster_autoscaler_unschedulable_pods": 5,
        "cluster_autoscaler_failed_scale_ups": 0.01,
    },
}


def levels() -> dict[str, dict[str, float]]:
    """By signal and entity."""
    found: dict[str, dict[str, float]] = {}
    for entity, signals in _BY_ENTITY.items():
        for signal, level in signals.items():
            found.setdefault(signal, {})[entity] = level
    return found
