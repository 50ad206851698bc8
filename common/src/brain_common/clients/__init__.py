"""Clients of the stack that exists already: Prometheus, Alertmanager, Grafana."""
