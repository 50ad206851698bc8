"""OTLP as files and over the wire, for logs and traces: what both have in common.

Messages are those of opentelemetry-proto, made without an SDK, since the lab speaks for hundreds of processes at once.
"""
