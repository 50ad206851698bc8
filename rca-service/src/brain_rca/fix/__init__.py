"""First proposals: from the kind of a fault to a change somebody could review and apply."""
