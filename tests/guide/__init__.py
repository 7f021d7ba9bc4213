"""Every example of the guide and of the README is run, in its own language, against the real service."""
