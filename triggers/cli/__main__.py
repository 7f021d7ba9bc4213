"""`python -m triggers.cli` is `triggers`."""

from triggers.cli.main import main

main()
