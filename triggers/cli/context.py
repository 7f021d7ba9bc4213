"""What every command works with: the options that all of them take, the API, the output."""

import os
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, reduce
from typing import Any

import click

from triggers.cli.api import Api
from triggers.cli.contents import read_secret
from triggers.cli.output import Output
from triggers.cli.targets import (
    API,
    KEY,
    PROFILE,
    Target,
    complete_profile,
    find_target,
)

SENTENCE_CHARACTERS_MAX = 200


class Session:
    """One run of the program. Nothing is read or connected before a command needs it."""

    def __init__(self) -> None:
        self.choices: dict[str, Any] = {}

    @property
    def as_json(self) -> bool:
        """Whether the output is for a script."""
        return bool(self.choices.get("json"))

    @cached_property
    def out(self) -> Output:
        """What prints."""
        return Output(as_json=self.as_json)

    @cached_property
    def target(self) -> Target:
        """The service, and the key that is to be used. Raises CommandFailed."""
        key = self.choices.get("key")
        return find_target(
            os.environ,
            profile=self.choices.get("profile"),
            api=self.choices.get("api"),
            key=read_secret("--key", "-") if key == "-" else key,
        )

    @cached_property
    def api(self) -> Api:
        """The API of that service. Raises CommandFailed."""
        return Api(self.target, notify=self.out.note)


pass_session = click.make_pass_decorator(Session, ensure=True)


def _remember(context: click.Context, option: click.Parameter, value: Any) -> None:
    if value:
        context.ensure_object(Session).choices[str(option.name)] = value


def _common_options() -> list[click.Option]:
    """Return what may stand before and after the name of a command alike."""
    return [
        click.Option(["--json"], is_flag=True, help="One JSON document a line, as the API has it."),
        click.Option(
            ["--profile"],
            metavar="NAME",
            shell_complete=complete_profile,
            help=f"A profile, else {PROFILE}.",
        ),
        click.Option(["--api"], metavar="URL", help=f"Address of the service, else {API}."),
        click.Option(
            ["--key"],
            metavar="KEY",
            help=f"- reads the key from stdin. Others on the machine may see it here, not in {KEY} or a profile.",
        ),
    ]


def sentence_of(command: click.Command) -> str:
    """Return the sentence that says what a command does."""
    return command.get_short_help_str(limit=SENTENCE_CHARACTERS_MAX)


class _WithCommonOptions(click.Command):
    """A command with examples in its help, and the options that all commands take.

    An option of its own stands in the place of a common one of the same name.
    """

    def __init__(self, *args: Any, examples: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples
        own = {option.name for option in self.params}
        for option in _common_options():
            if option.name in own:
                continue
            option.expose_value = False
            option.callback = _remember
            self.params.append(option)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, each on a line of its own."""
        super().format_epilog(ctx, formatter)
        if self.examples:
            with formatter.section("Examples"):
                for example in self.examples:
                    formatter.write(f"{'':>{formatter.current_indent}}{example}\n")


def with_options(
    command: Callable[..., None], options: Iterable[Callable[..., Any]]
) -> Callable[..., None]:
    """Give a command options that others have too; the help shows them in this order."""
    return reduce(lambda made, option: option(made), reversed(tuple(options)), command)


class Command(_WithCommonOptions):
    """A command."""


class Group(_WithCommonOptions, click.Group):
    """A command that has others."""

    command_class = Command
    group_class = type

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what each command does: the whole sentence, where click would cut it."""
        commands = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        rows = [(name, sentence_of(command)) for name, command in commands if command]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
