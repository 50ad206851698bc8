"""What of the signals is copied to the lake, after the next hop has accepted it: a part, and best effort."""
