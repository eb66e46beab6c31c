"""The pages of the inbox: what a provider's people see and do in a browser, in the provider's zone."""
