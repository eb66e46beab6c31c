"""Policy packs: the law of a jurisdiction as data. A new jurisdiction is a file here, not code."""
