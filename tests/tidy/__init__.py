"""The rules of style and structure, held by tests."""
