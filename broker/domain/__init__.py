"""The rules, pure: the same question has the same answer always. No I/O, no clock, no chance, no `async`."""
