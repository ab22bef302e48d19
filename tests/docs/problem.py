"""What the checks of the documentation find."""


class Problem(Exception):
    """What is wrong with a command of a page."""
