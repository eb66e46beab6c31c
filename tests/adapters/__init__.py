"""The provider zone, on real Kafka and PostgreSQL."""
