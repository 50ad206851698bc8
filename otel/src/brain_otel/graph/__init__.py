"""The service graph and RED metrics, from spans that the next hop has accepted."""
