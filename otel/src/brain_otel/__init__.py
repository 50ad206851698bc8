"""OTLP in, enriched OTLP out: a processor behind a stock OpenTelemetry Collector, and the service graph."""
