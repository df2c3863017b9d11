"""The error that ends a program of this folder with a message instead of a stack trace."""


class Failure(Exception):
    """The message says what went wrong and what to do."""
