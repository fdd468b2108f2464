"""The driver of the benchmark: it starts contestants and clients, and counts what they did."""
