"""Warm Handoff: a broker for consented referrals between agencies that respond to domestic violence."""
