"""The command line ``indextts-runpod``.

Commands are imported when they are called, so that ``--help`` takes less than half a second.
"""

import os
import shlex
import sys

import click

from domain.errors import InvalidRequest, SpeechError
from entrypoints.cli.commands import LazyGroup
from entrypoints.exit_codes import INTERRUPTED, JOB_FAILED, WRONG_USAGE, SettingsError, complain

_NAME = "indextts-runpod"
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
        # The reader of the output is gone; at exit Python would flush to it and fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return JOB_FAILED
    return result if isinstance(result, int) else 0


def _installing(error: SpeechError) -> list[str]:
    """Return the commands that install what ``error`` reports as missing."""
    if not error.extras:
        return []
    from entrypoints.installation import install_advice

    return install_advice(error.extras)


def _explain_usage(error: click.UsageError) -> int:
    """Print what was wrong, how the command is used, and where to read more."""
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
