"""What may go wrong in a local run."""


class LocalRunError(Exception):
    """The run cannot go on as it is; the text is for the person at the terminal."""
