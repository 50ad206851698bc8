"""Traces of Tempo, Jaeger and the lake as spans and edges."""
