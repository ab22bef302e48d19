"""Commands whose ``--help`` shows options in groups, and that take a text for what it is."""

import re
from typing import Any

import click

_LIKE_TEXT = re.compile(r"-(\d|[^=]*\s)")
"""A dash before a digit, or an argument with a space: no option has this form."""


class GroupedOption(click.Option):
    """An option under a heading of its own in ``--help``."""

    def __init__(self, *declarations: Any, group: str = "Options", **attributes: Any) -> None:
        super().__init__(*declarations, **attributes)
        self.group = group


class GroupedCommand(click.Command):
    """A command with a heading for each group of options; "-5 degrees" is an argument to it."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, each group under its heading, in the order of their declaration."""
        groups: dict[str, list[tuple[str, str]]] = {}
        options = [option for option in self.get_params(ctx) if isinstance(option, click.Option)]
        for option in sorted(options, key=lambda option: not isinstance(option, GroupedOption)):
            if record := option.get_help_record(ctx):
                groups.setdefault(getattr(option, "group", "Help"), []).append(record)
        for heading, records in groups.items():
            with formatter.section(heading):
                formatter.write_dl(records)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse ``args``; explain unquoted texts in the error message."""
        given = self._with_text_last(args)
        try:
            return super().parse_args(ctx, given)
        except click.UsageError as error:
            if "unexpected extra argument" not in error.message:
                raise
            hint = "put a text of several words in quotes"
            raise click.UsageError(f"{error.message}; {hint}", ctx) from error

    def _with_text_last(self, args: list[str]) -> list[str]:
        """Return ``args`` with texts that begin with a dash moved behind a ``--``."""
        if "--" in args:
            return args
        takes_value = {
            name
            for option in self.params
            if isinstance(option, click.Option) and not option.is_flag
            for name in option.opts
        }
        texts = {
            index
            for index, argument in enumerate(args)
            if _LIKE_TEXT.match(argument)
            and argument[:2] not in takes_value
            and (index == 0 or args[index - 1] not in takes_value)
        }
        if not texts:
            return args
        options = [argument for index, argument in enumerate(args) if index not in texts]
        return [*options, "--", *(args[index] for index in sorted(texts))]
