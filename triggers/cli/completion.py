"""`triggers completion`: the Tab key completes commands, options and names of profiles."""

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

from triggers.cli.context import Command

VARIABLE = "_TRIGGERS_COMPLETE"  # click's, by which the shell asks the program
SHELLS = {"bash": BashComplete, "fish": FishComplete, "zsh": ZshComplete}


@click.command(
    cls=Command,
    examples=(
        "triggers completion bash > ~/.local/share/bash-completion/completions/triggers",
        "triggers completion zsh > ~/.zfunc/_triggers",
        "triggers completion fish > ~/.config/fish/completions/triggers.fish",
    ),
)
@click.argument("shell", type=click.Choice(list(SHELLS)), metavar="bash|fish|zsh")
@click.pass_context
def completion(context: click.Context, *, shell: str) -> None:
    """Print the script that lets a shell complete what is typed of `triggers`.

    bash and fish load it from the files below by themselves. zsh needs `fpath+=~/.zfunc` before
    `compinit` in ~/.zshrc. To try it in the bash at hand: eval "$(triggers completion bash)".
    """
    script = SHELLS[shell](context.find_root().command, {}, "triggers", VARIABLE).source()
    click.echo(script)
