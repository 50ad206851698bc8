"""What earlier incidents teach about this one: how likely a cause is beforehand, and which incidents looked alike."""
