"""The broker's stories on real Kafka and PostgreSQL."""
