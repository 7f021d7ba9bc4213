"""The end-to-end suite against any running deployment, over HTTP alone: `make e2e`.

Under `make test` it runs against the service of `make run`, which it starts itself.
"""
