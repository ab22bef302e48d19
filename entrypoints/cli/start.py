"""The first steps of every command: settings, logs, container."""

import click

from application.engine_choice import EngineChoice
from entrypoints.container import Container
from entrypoints.logs import configure_logs
from entrypoints.settings.settings import CliSettings, LocalSettings, load_settings


def start(kind: type[LocalSettings] = CliSettings) -> tuple[LocalSettings, Container]:
    """Read the settings, set up the logs and wire the application.

    Raises:
        SettingsError: The environment holds values that cannot be used.
    """
    settings = load_settings(kind)
    configure_logs(settings)
    return settings, Container(settings=settings)


def print_passed_over(choice: EngineChoice) -> None:
    """Print why preferred engines were not chosen; nothing where the settings name an engine."""
    for passed_over in choice.passed_over:
        click.echo(f"note: engine {choice.model.info.name} is used; {passed_over}", err=True)
