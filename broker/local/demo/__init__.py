"""A small county that never was, and one night in it: told from the real topics, every step of it checked."""
