"""What every command does first."""

from entrypoints.container import Container
from entrypoints.logs import configure_logs
from entrypoints.settings.settings import CliSettings, load_settings


def start() -> tuple[CliSettings, Container]:
    """Read the settings, set up the logs and wire the application.

    Raises:
        SettingsError: the environment holds values that cannot be used.
    """
    settings = load_settings(CliSettings)
    configure_logs(settings)
    return settings, Container(settings=settings)
