"""The desk: pages of the broker's zone that people sign in at."""
