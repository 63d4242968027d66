"""Who may read what a worker tells over HTTP."""

import hmac
import ipaddress

from stream.config import HttpConfig

__all__ = ["OPEN", "Guard"]

OPEN = ("/livez", "/readyz")
"""Pages that need no token: probes have none, and these tell no names and no values of anybody's data."""


class Guard:
    """Judges requests by their headers.

    With a configured token all but OPEN needs it, whatever the Host header says. Without one (so the worker listens on
    loopback, or configuration would have refused it) the Host must be an address, `localhost` or `http.host`: a page
    that a person opens may point a name of its own at 127.0.0.1 and would else read on through that person's browser.
    """

    def __init__(self, http: HttpConfig) -> None:
        self._token = http.token
        self._host = http.host

    def verdict(self, path: str, authorization: str | None, host: str | None) -> int:
        """Tell the HTTP status of a request: 200, 401 (a token is needed) or 403 (nobody here has that name).

        The token is compared in a time that does not tell how much of it was right.
        """
        if self._token is not None:
            given = (authorization or "").encode(errors="surrogateescape")
            right = hmac.compare_digest(given, b"Bearer " + self._token.encode())
            return 200 if right or path in OPEN else 401
        return 200 if self._is_ours(host or "") else 403

    def _is_ours(self, host: str) -> bool:
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        name = name.strip("[]").lower()
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name in ("localhost", self._host.lower())
        return True
