"""The domain of the Triggers API, and the AWS adapters that both containers share."""

VERSION = "0.1.0"
