"""What is added to, and taken from, the signals; each step is a plug-in of the group ``ai_devops_brain.enrichers``."""
