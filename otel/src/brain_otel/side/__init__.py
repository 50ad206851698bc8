"""What runs beside the worker because it is too large for it, and how its findings reach the steps."""
