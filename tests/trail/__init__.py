"""The blind log: the tree, checkpoints, the sequencer under kills, and every way of tampering before the verifier."""
