"""The promises of Warm Handoff, each shown on real Kafka and real PostgreSQL where it touches them."""
