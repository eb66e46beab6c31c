"""A provider's own Kafka: what it is told there, and the answers that are read there."""
