"""What is killed, stopped and taken away while the network works."""
