"""The lake: signals kept as Delta tables on a local folder or S3, read by DuckDB."""
