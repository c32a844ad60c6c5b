"""What is seen from outside: stream items as log records."""
