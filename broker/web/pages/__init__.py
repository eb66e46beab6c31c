"""Pages of the network's operator: the contract for integrators, and for the public what the network does."""
