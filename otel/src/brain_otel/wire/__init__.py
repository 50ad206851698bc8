"""OTLP on the wire: both listeners, what a refusal says, and the next hop."""
