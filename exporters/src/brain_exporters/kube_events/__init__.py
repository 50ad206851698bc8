"""kube-events: Kubernetes events counted without losing repeats, and states that kube-state-metrics lacks."""

from brain_exporters.kube_events.collector import KIND

__all__ = ["KIND"]
