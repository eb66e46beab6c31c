"""The door for agencies: real HTTP before real Kafka and PostgreSQL, with the real broker behind it."""
