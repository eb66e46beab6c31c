"""Notices by e-mail: what they say, where they come back to, and what comes back."""
