"""The API server of Kubernetes: requests, lists, watches, and objects kept up to date in memory."""
