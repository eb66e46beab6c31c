"""Kafka: topics, the batch that is read, the messages that are sent; nothing logs what a login is made with."""

import logging

# At its most talkative aiokafka writes down every request, and with the mechanism PLAIN one of them is the password.
logging.getLogger("aiokafka.conn").setLevel(logging.INFO)
