"""Real Kafka and PostgreSQL as child processes of ours: nothing to install, nothing left running."""
