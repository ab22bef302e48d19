"""The error of a program that cannot start; apart from the settings, which are slow to import."""


class SettingsError(Exception):
    """The environment holds values that cannot be used; ``str`` has one line for each."""
