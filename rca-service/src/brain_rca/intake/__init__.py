"""Taking in notifications: parse, authenticate, make durable, answer."""
