"""The stories: one file per event that the broker reacts to, without I/O, clock or randomness."""
