"""The commands of ``indextts-runpod``: what each does, and where its module is."""

import importlib
from dataclasses import dataclass

import click


@dataclass(frozen=True, slots=True)
class CommandPlace:
    """A command of the module ``entrypoints.cli.<name>``, under the same name there.

    ``summary`` is its line in the list of commands, and the first sentence of its own help.
    """

    name: str
    summary: str

    def load(self) -> click.Command:
        """Import the command; its help begins with the summary."""
        command: click.Command = getattr(
            importlib.import_module(f"entrypoints.cli.{self.name}"), self.name
        )
        return command


COMMANDS = {
    place.name: place
    for place in (
        CommandPlace("speak", "Speak a text into an audio file."),
        CommandPlace("voices", "List, add, check, remove and rename voices."),
        CommandPlace("doctor", "Say what is installed, found and missing, and what to do."),
        CommandPlace("selfcheck", "Speak a fixed set of texts and measure them."),
        CommandPlace("download", "Fetch the weights of IndexTTS-2, or check them."),
        CommandPlace("warmup", "Load the engine, speak once, and report how long that took."),
        CommandPlace("serve", "Serve OpenAI's audio API over HTTP, with a page at /."),
    )
}


class LazyGroup(click.Group):
    """A group that imports a command only when it is called."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or suggest the nearest."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.exceptions.NoSuchCommand(args[0], possibilities=COMMANDS, ctx=ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; an error of wrong usage gets its context, for the usage line."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            name = ctx.invoked_subcommand
            command = self.get_command(ctx, name) if name else None
            if error.ctx is None and command:
                error.ctx = click.Context(command, info_name=name, parent=ctx)
            raise

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return the command, or return None where there is no such command."""
        place = COMMANDS.get(cmd_name)
        return place.load() if place else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(place.name, place.summary) for place in COMMANDS.values()])
