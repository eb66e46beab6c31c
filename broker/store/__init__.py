"""PostgreSQL: the tables, the batch that is read and written at once, the questions people ask, the migrations."""
