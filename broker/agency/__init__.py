"""What the agency's client is made of: `broker.client` is what agencies import, these are its parts."""
