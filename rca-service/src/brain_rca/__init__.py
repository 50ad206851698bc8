"""The RCA service: an Alertmanager group in, a ranked root cause in Grafana out."""
