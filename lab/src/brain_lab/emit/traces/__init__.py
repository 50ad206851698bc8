"""Spans of calls that the simulation made, or of trees grown from a call graph, and OTLP for them."""
