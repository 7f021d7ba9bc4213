"""What surrounds the service: its local run, its locks, its deployment."""
