"""What the cloud account and the delivery tools around a platform report: API calls, cost, budgets, changes."""
