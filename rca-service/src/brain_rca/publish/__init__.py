"""Writes what was found back where people already look: Grafana, Alertmanager, any webhook."""
