"""A configuration can load no library, run no command and send no secret anywhere, unless who starts it says so."""

import pytest

from stream.config import cautions, from_text
from stream.config.kafka import ALLOW_VARIABLE, ALLOWED, DANGEROUS
from stream.errors import ConfigError

NAMED = (
    "plugin.library.paths",
    "ssl.engine.location",
    "sasl.kerberos.kinit.cmd",
    "sasl.oauthbearer.token.endpoint.url",
)
"""Those of the security section; each has hurt somebody (CVE-2025-27817, -27818, CVE-2023-25194)."""


def text_of(name: str) -> str:
    return f"kafka:\n  {name}: x\n"


@pytest.mark.parametrize("name", [*NAMED, *DANGEROUS, "debug", "not.known", "log_cb"])
def test_a_setting_that_is_not_on_the_list_is_refused_with_what_to_do(name: str) -> None:
    with pytest.raises(ConfigError) as told:
        from_text(text_of(name), {})
    (problem,) = told.value.problems
    assert (problem.key, problem.line) == (f"kafka.{name}", 2)
    assert f"{ALLOW_VARIABLE}={name}" in problem.todo or "did you mean" in problem.todo
    if name in NAMED:
        assert "not allowed: it " in problem.what


@pytest.mark.parametrize("name", NAMED)
def test_the_environment_may_allow_one_and_is_warned_of_it(name: str) -> None:
    """Only that one, and not the file itself by a variable it fills in."""
    config = from_text(text_of(name), {ALLOW_VARIABLE: f"debug, {name}"})
    assert config.kafka[name] == "x"
    assert any(name in caution for caution in cautions(config))
    others = [other for other in NAMED if other != name]
    with pytest.raises(ConfigError):
        from_text(text_of(others[0]), {ALLOW_VARIABLE: name})


@pytest.mark.parametrize("name", ["group.id", "enable.auto.commit", "bootstrap.servers"])
def test_what_driftbus_sets_itself_can_be_allowed_by_nobody(name: str) -> None:
    """Exactness hangs on these."""
    with pytest.raises(ConfigError, match="driftbus sets this itself"):
        from_text(text_of(name), {ALLOW_VARIABLE: name})


def test_certificates_and_host_names_are_verified_unless_switched_off_and_then_warned_of() -> None:
    assert not set(DANGEROUS) & ALLOWED
    for name, value in {
        "enable.ssl.certificate.verification": "false",
        "ssl.endpoint.identification.algorithm": "none",
    }.items():
        assert cautions(from_text("", {})) == []
        (caution,) = cautions(from_text(f"kafka: {{{name}: {value}}}", {}))
        assert name in caution
