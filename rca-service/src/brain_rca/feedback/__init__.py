"""What people say about causes: checked, kept and written into the audit log, wherever they said it."""
