"""The HTTP session of AWS's clients, with a certificate that must be the host's own.

aiobotocore's looks whether an authority has signed it, and not for whom, and behind a proxy at
nothing at all: botocore's contexts leave that to urllib3, which is not there.
"""

import ssl

from aiobotocore.httpsession import AIOHTTPSession


class VerifiedSession(AIOHTTPSession):
    """Verifies the name in a certificate as well, with a proxy between or without."""

    def _get_ssl_context(self) -> ssl.SSLContext:
        context: ssl.SSLContext = super()._get_ssl_context()  # type: ignore[misc] # its stubs leave it out
        context.check_hostname = True
        return context

    def _setup_proxy_ssl_context(self, proxy_url: str) -> ssl.SSLContext:
        """Return the context towards AWS, which comes through the proxy as it is."""
        context: ssl.SSLContext | None = super()._setup_proxy_ssl_context(proxy_url)  # type: ignore[misc] # as above
        return context or self._get_ssl_context()
