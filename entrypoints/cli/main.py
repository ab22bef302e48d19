"""The command line ``indextts-runpod``.

Sub-commands are imported when they are called, so that ``--help`` answers at once.
"""

import importlib
import os
import shlex
import sys

import click

from domain.errors import InvalidRequest, SpeechError
from entrypoints.exit_codes import INTERRUPTED, JOB_FAILED, WRONG_USAGE, SettingsError, complain

_COMMANDS = {
    "speak": ("entrypoints.cli.speak:speak", "Speak a text into an audio file."),
    "voices": ("entrypoints.cli.voices:voices", "List, add, check, remove and rename voices."),
    "doctor": (
        "entrypoints.cli.doctor:doctor",
        "Say what is installed, found and missing, and what to do.",
    ),
    "selfcheck": (
        "entrypoints.cli.selfcheck:selfcheck",
        "Speak a fixed set of texts and measure them.",
    ),
    "download": (
        "entrypoints.cli.download:download",
        "Fetch the weights of IndexTTS-2, or check them.",
    ),
    "warmup": (
        "entrypoints.cli.warmup:warmup",
        "Load the engine, speak once, and report how long that took.",
    ),
    "serve": (
        "entrypoints.cli.serve:serve",
        "Serve RunPod's API on this machine, for development.",
    ),
}
"""Where each command is, and its line in the list of commands."""

_NAME = "indextts-runpod"


class LazyGroup(click.Group):
    """A group that imports a command only when it is called."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or suggest the nearest."""
        if args[0] not in _COMMANDS and not args[0].startswith("-"):
            raise click.exceptions.NoSuchCommand(args[0], possibilities=_COMMANDS, ctx=ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Tell an error of wrong usage which command it belongs to."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            name = ctx.invoked_subcommand
            command = self.get_command(ctx, name) if name else None
            if error.ctx is None and command:
                error.ctx = click.Context(command, info_name=name, parent=ctx)
            raise

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name][0].split(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in _COMMANDS.items()])


_EPILOG = """\b
Examples:
  indextts-runpod speak "Hello." --play
  indextts-runpod speak --help

\b
Completion by the Tab key, in bash (zsh and fish likewise):
  eval "$(_INDEXTTS_RUNPOD_COMPLETE=bash_source indextts-runpod)"
"""


@click.group(
    cls=LazyGroup,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="indextts-runpod")
def cli() -> None:
    """Speak text in any recorded voice with IndexTTS-2, or preview it on a laptop.

    Settings come from the environment: TTS_ENGINE, AUDIO_VOICES_DIR, OUTPUT_AUDIO_DIR and others;
    "doctor" shows what they are and whether they work.
    """


def main() -> None:
    """Run the command line; the exit status is 0, 1 for a failed job, or 2 for wrong usage."""
    sys.exit(_status())


def _status() -> int:
    try:
        result = cli.main(prog_name=_NAME, standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return WRONG_USAGE
    except click.UsageError as error:
        return _explain_usage(error)
    except click.ClickException as error:
        return complain(error.format_message().replace("\n", " "), error.exit_code)
    except SettingsError as error:
        return complain(str(error), WRONG_USAGE)
    except InvalidRequest as error:
        return complain(str(error), WRONG_USAGE)
    except SpeechError as error:
        return complain("\n".join([str(error), *_installing(error)]), JOB_FAILED)
    except (KeyboardInterrupt, click.Abort):
        return complain("interrupted", INTERRUPTED)
    except BrokenPipeError:
        # whoever read our output has gone: nothing is left to say, not even at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return JOB_FAILED
    return result if isinstance(result, int) else 0


def _installing(error: SpeechError) -> list[str]:
    """The commands that would mend ``error``."""
    if not error.extras:
        return []
    from entrypoints.installation import install_advice

    return install_advice(error.extras)


def _explain_usage(error: click.UsageError) -> int:
    """What was wrong, how the command is used, and where to read more."""
    complain(error.format_message().replace("\n", " "), error.exit_code)
    command = error.ctx.command_path if error.ctx else _NAME
    if error.ctx:
        click.echo(error.ctx.get_usage(), err=True)
    if isinstance(error, click.exceptions.NoSuchCommand) and " " in error.command_name:
        click.echo(f"To speak a text: {_NAME} speak {shlex.quote(error.command_name)}", err=True)
    click.echo(f"More: {command} --help", err=True)
    return error.exit_code


if __name__ == "__main__":
    main()
