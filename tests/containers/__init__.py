"""The images and the compose file, really built and run: `make containers`. It needs an engine, and some minutes.

Not among the tests of `make test`. COMPOSE_FILE may name further files, for what a machine needs of its own.
"""
