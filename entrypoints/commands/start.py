"""What every command does first."""

from entrypoints.container import Container
from entrypoints.logs import configure_logs
from entrypoints.settings import CliSettings, LocalSettings, load_settings


def start(kind: type[LocalSettings] = CliSettings) -> tuple[LocalSettings, Container]:
    """Read the settings, set up the logs and wire the application.

    Raises:
        WrongSettingsError: the environment holds values that cannot be used.
    """
    settings = load_settings(kind)
    configure_logs(settings)
    return settings, Container(settings=settings)
