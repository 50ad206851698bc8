"""Durable state of the service, behind one Protocol with two implementations."""
