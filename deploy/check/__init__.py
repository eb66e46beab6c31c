"""`make images-check`: builds the images, starts the county of deploy/compose.yaml, and sends a referral through it."""
