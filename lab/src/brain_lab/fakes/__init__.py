"""Stand-ins for servers that cannot be run here, for benches and tests."""
