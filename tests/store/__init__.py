"""The stores of both zones: that what migrations make is what the classes say."""
