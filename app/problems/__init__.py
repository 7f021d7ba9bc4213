"""Errors as the outside sees them: what each kind means, and the answer that tells of it."""
