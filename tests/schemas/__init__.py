"""Tests of the contract: what every event promises by being there."""
