"""A failure that ends the demo with a message instead of a stack trace."""


class Failure(Exception):
    """The message says what went wrong and what to do."""
