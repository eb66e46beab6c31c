"""The door: by HTTP a provider's own system fetches an offer and answers it, signed with a secret that only it has."""
