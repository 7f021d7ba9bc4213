"""The program: `triggers`, and its groups of commands."""

from typing import Any

import click

from triggers import VERSION
from triggers.cli.audit import audit
from triggers.cli.completion import completion
from triggers.cli.context import Group, Session
from triggers.cli.events import events
from triggers.cli.health import health
from triggers.cli.inbox import inbox
from triggers.cli.jobs import jobs
from triggers.cli.keys import keys
from triggers.cli.listen import listen
from triggers.cli.profiles import profiles
from triggers.cli.recover import recover
from triggers.cli.replay import replay
from triggers.cli.tenants import tenants
from triggers.cli.webhooks import webhooks

EXAMPLES = (
    "triggers profiles set local --from .local/ready.json",
    "triggers events send order.created -d '{\"order\": 1}'",
    "triggers events show evt_01KAN72XQV8YJ4T6Z0M3S5B7C9 --watch",
    "triggers webhooks test wh_7Z0M3S5B7C9KAN72XQV8",
    "triggers listen --forward http://127.0.0.1:3000/hook",
)


class Program(Group):
    """Says why a command failed as the output is wanted: in words, or as JSON."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that is named."""
        session = ctx.ensure_object(Session)
        try:
            return super().invoke(ctx)
        except click.UsageError:
            raise
        except UnicodeError:
            raise click.UsageError("what was given is not UTF-8", ctx) from None
        except click.ClickException as error:
            session.out.failure(error)
            ctx.exit(error.exit_code)


@click.group(
    cls=Program,
    examples=EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(VERSION, prog_name="triggers")
def triggers() -> None:
    """Send events, see what became of them, and send them again.

    Exit codes: 0 when it was done, 1 when not (the message says why), 2 for wrong usage.
    """


for command in (
    audit,
    completion,
    events,
    health,
    inbox,
    jobs,
    keys,
    listen,
    profiles,
    recover,
    replay,
    tenants,
    webhooks,
):
    triggers.add_command(command)


def main() -> None:
    """Run the program, and end the process with its exit code."""
    triggers.main(prog_name="triggers")
