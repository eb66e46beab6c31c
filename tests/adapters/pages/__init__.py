"""The pages of the inbox in a real browser."""
