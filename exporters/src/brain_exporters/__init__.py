"""Exporters: signals a Prometheus stack lacks, as metrics and as full events in the lake."""
