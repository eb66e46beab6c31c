"""The rules, pure: the same question always has the same answer. No input or output, no clock, no chance, no `async`."""
