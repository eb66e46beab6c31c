"""PostgreSQL, as every zone uses it: many rows in one statement, and migrations with least rights."""
