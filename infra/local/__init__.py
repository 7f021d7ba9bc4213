"""The whole service on one machine: `make run` starts `python -m infra.local`.

`__main__` starts four parts under the `supervisor`: the AWS emulator, `app`, `worker` and the
example `receiver`. When they answer, `demo` makes a tenant and a webhook over the HTTP API, and
`ready` tells people and scripts where everything is.
"""
