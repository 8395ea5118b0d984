"""The caches of a worker, and what people see and do of them."""
