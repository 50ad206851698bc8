"""What requests did on their way, step by step: spans and the lines written within them."""
