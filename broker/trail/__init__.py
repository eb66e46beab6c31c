"""The trail: what happened, by whom and under which rule, without a word about any person."""
