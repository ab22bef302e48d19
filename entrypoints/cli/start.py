"""What every command does first."""

import click

from entrypoints.container import Container
from entrypoints.logs import configure_logs
from entrypoints.settings.settings import CliSettings, LocalSettings, load_settings


def start(kind: type[LocalSettings] = CliSettings) -> tuple[LocalSettings, Container]:
    """Read the settings, set up the logs and wire the application.

    Raises:
        SettingsError: the environment holds values that cannot be used.
    """
    settings = load_settings(kind)
    configure_logs(settings)
    return settings, Container(settings=settings)


def say_which_engine(container: Container) -> None:
    """Tell on standard error why a better engine does not speak, where that was ours to choose."""
    choice = container.engine_choice()
    for passed_over in choice.passed_over:
        click.echo(f"note: engine {choice.model.info.name} is used; {passed_over}", err=True)
