"""Listening: address, TLS, who may call, how much they may send."""
