"""Other implementations read what we wrote; they need Go, so `make interop` runs them and `make test` does not."""
