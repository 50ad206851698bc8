"""The incident page: what an on-call engineer reads, as HTML and as JSON, without Internet or scripts."""
