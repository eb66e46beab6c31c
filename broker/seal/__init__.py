"""Sealing of field groups, signatures of events, and the key files of a zone: see docs/wire-format.md."""
