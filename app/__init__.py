"""The HTTP API: translates requests into calls of the domain, and what comes back into answers."""
