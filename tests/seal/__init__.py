"""Sealing, signatures and key files: what opens, what must not, and that another implementation agrees."""
