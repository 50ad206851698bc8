"""The stack's real servers as child processes: Prometheus, Alertmanager, Thanos, Toxiproxy, PostgreSQL, a
Kubernetes control plane, an S3 gateway, an OpenTelemetry Collector, OpenSearch.

The lab and the tests start them to see what the product does against servers nobody here wrote. Each
module holds one server: a dataclass of its settings that is also a context manager, ready when entered
and gone when left, on an ephemeral port of 127.0.0.1.

Nothing here downloads or builds a program: `binaries` only finds what `make servers` or the operating
system has put in place. Nothing is re-exported either, so that finding a binary costs no HTTP client.
"""
