"""What an alert is about: from labels to entities, and the names of one thing joined."""
