"""The command line ``indextts-runpod``.

Sub-commands are imported when they are called, so that ``--help`` answers at once.
"""

import importlib
import os
import sys

import click

from domain.errors import InvalidRequest, SpeechError
from entrypoints.wrong_settings import SettingsError

_COMMANDS = {
    "speak": ("entrypoints.cli.speak:speak", "Speak a text into an audio file."),
    "voices": ("entrypoints.cli.voices:voices", "List, add and check voices."),
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

JOB_FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130


class LazyGroup(click.Group):
    """A group that imports a command only when it is called."""

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


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
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
        result = cli.main(standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return WRONG_USAGE
    except click.ClickException as error:
        return _complain(error.format_message().replace("\n", " "), error.exit_code)
    except SettingsError as error:
        return _complain(str(error), WRONG_USAGE)
    except InvalidRequest as error:
        return _complain(str(error), WRONG_USAGE)
    except SpeechError as error:
        return _complain(str(error), JOB_FAILED)
    except (KeyboardInterrupt, click.Abort):
        return _complain("interrupted", INTERRUPTED)
    except BrokenPipeError:
        # whoever read our output has gone: nothing is left to say, not even at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return JOB_FAILED
    return result if isinstance(result, int) else 0


def _complain(message: str, status: int) -> int:
    for line in message.splitlines():
        click.echo(f"indextts-runpod: {line}", err=True)
    return status


if __name__ == "__main__":
    main()
