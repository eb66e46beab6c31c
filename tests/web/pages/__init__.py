"""Tests of the network's own pages."""
