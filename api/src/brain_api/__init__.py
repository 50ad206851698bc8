"""Generated gRPC stubs of the public API; nothing else lives here."""
