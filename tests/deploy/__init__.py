"""What deploy/ says agrees with what the rest of the project says; that it runs is shown by `make images-check`."""
