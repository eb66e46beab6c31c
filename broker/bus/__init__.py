"""Kafka: topics, the batch that is read, the messages that are sent."""
