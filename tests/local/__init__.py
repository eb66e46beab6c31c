"""The embedded parts: they start, restart, and never outlive their parent."""
