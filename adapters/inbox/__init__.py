"""The inbox: what waits for a provider's people, what they answer, what they may open."""
