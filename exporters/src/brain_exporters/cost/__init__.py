"""cost: what is spent, by whom and for what, with forecasts, budgets, spikes, and the cost of workloads."""

from brain_exporters.cost.collector import KIND

__all__ = ["KIND"]
