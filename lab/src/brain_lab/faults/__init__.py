"""What can be broken in a platform, each fault a file; the registry knows their names."""
