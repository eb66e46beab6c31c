"""How to run it in containers, and the check that this works."""
