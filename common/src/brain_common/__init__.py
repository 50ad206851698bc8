"""What every part shares: errors, clock, settings, entity names, retry, serving and clients of the stack."""
