"""By HTTP: what every door of ours has in common, and the door for agencies that have no Kafka of their own."""
