"""Secrets: strings that work like any other and never show themselves by `repr`.

Which settings are secret is told by their key, so that a value can be hidden before it is
understood: an error about a misspelt password must not print it.
"""

import re

__all__ = ["MASK", "Secret", "is_secret"]

MASK = "***"
"""What is shown in place of a secret."""

_SECRET_KEYS = re.compile(
    r"redis\.url|http\.token|kafka\..*(password|secret|key|token|jaas|\.pem|oauthbearer\.config)"
)


def is_secret(key: str) -> bool:
    """Tell whether the value of a dotted configuration key must never be shown.

    The path of a key file is no secret, its content and its password are.

    >>> is_secret("kafka.ssl.key.password"), is_secret("kafka.ssl.key.location")
    (True, False)
    """
    return bool(_SECRET_KEYS.match(key)) and not key.endswith(".location")


class Secret(str):
    """A string whose `repr` and `masked` hide it; of an address only the password is hidden.

    It is passed to clients as it is; `str()` and formatting do tell it.

    >>> Secret("hunter2"), Secret("redis://me:hunter2@cache:6379/0")
    ('***', 'redis://me:***@cache:6379/0')
    """

    __slots__ = ()

    @property
    def masked(self) -> str:
        """What may be shown."""
        scheme, mark, rest = self.partition("://")
        if not mark:
            return MASK
        login, at, place = rest.rpartition("@")
        user = login.partition(":")[0]
        place = re.sub(r"[?#].*", "?" + MASK, place)
        return f"{scheme}://{user}:{MASK}@{place}" if at else f"{scheme}://{place}"

    def __repr__(self) -> str:
        return repr(self.masked)
