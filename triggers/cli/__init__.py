"""The command line: everything that the HTTP API can do, from a terminal.

It speaks HTTP alone, as any other client does. `main` is the program, `context` what a command works
with, `api` the calls, `output` what is printed, `targets` where address and key come from; each other
module is a group of commands.
"""
