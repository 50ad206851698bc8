"""Changes with their actors, each in the format of the tool that made it."""
