"""A table of bad configurations and what is said of them: file, line, key, fault and remedy."""

import pickle

import pytest
from confluent_kafka import KafkaException, Producer

from stream.config import cautions, from_text
from stream.config.kafka import ALLOWED
from stream.errors import ConfigError

# One line each: the text, the key and line named, and words of the message.
BAD = [
    ("pan: 1s", "pan", 1, "unknown key; did you mean `pane`?"),
    ("\n\nzzz: 1", "zzz", 3, "unknown key; known: bootstrap, app,"),
    ("http:\n  prot: 1", "http.prot", 2, "did you mean `port`?"),
    ("pane: 1s\napp: x\npane: 2s", "pane", 3, "twice; it stands on line 1 already"),
    ("pane: soon", "pane", 1, "expected a duration such as 500ms"),
    ("pane: 0s", "pane", 1, "> 0, got '0s'"),
    ("lateness: -1s", "lateness", 1, "got '-1s'"),
    ("lateness: [1s]", "lateness", 1, "expected a duration such as 500ms, 10s, 5m, 1h or 7d, >= 0"),
    ("pane:", "pane", 1, "has no value; write a duration"),
    ("windows: []", "windows", 1, "expected a list of min length 1"),
    ("windows: 1h", "windows", 1, "expected a list"),
    ("windows: [1h, soon]", "windows[1]", 1, "a duration such as 1h, or {size: 1d, every: 1h}"),
    ("windows:\n- 1h\n- {every: 1h}", "windows[1].size", 3, "this key is missing"),
    ("windows: [15s]", "windows", 1, "15s is no multiple of the pane, 10s"),
    ("windows: [{size: 1h, every: 15s}]", "windows", 1, "15s is no multiple of the pane"),
    ("windows: [{size: 1h, every: 7m}]", "windows", 1, "1h every 7m: `every` does not divide"),
    ("windows: [{size: 1h, every: 2h}]", "windows", 1, "`every` does not divide `size`"),
    ("windows: [1h, 60m]", "windows", 1, "the window 1h stands there 2 times"),
    ("sample: 0", "sample", 1, "expected a number > 0 and <= 1 or a section, got '0'"),
    ("sample: 1.01", "sample", 1, "<= 1 or a section, got '1.01'"),
    ("sample: .nan", "sample", 1, "expected a number"),
    ("sample: [1]", "sample", 1, "or a section, got a list"),
    ("sample: {defalt: 1}", "sample.defalt", 1, "did you mean `default`?"),
    ("sample: {models: {m: 2}}", "sample.models.m", 1, "expected a number > 0 and <= 1, got '2'"),
    ("sample: {adaptive: {min: 1/3}}", "sample.adaptive.min", 1, "one of 1/2, 1/4, 1/8"),
    ("sample: {key: id}", "sample.key", 1, "one of none, model, series"),
    ("alarms: {budget_per_week: 0}", "alarms.budget_per_week", 1, "> 0, got '0'"),
    ("alarms: {budget_per_week: inf}", "alarms.budget_per_week", 1, "got 'inf'"),
    ("reference: {bins: 1}", "reference.bins", 1, "a whole number >= 2 and <= 1000, got '1'"),
    ("reference: {bins: 2.5}", "reference.bins", 1, "a whole number"),
    ("labels: {wait: 0}", "labels.wait", 1, "> 0"),
    ("alarms: {exclude: [{to: 12-27, name: x}]}", "alarms.exclude[0].from", 1, "missing"),
    ("alarms: {refit: 59m}", "alarms.refit", 1, "oftener than every hour"),
    ("alarms: {refit: 400d}", "alarms.refit", 1, "more seldom than every 28 days"),
    ("alarms: {refit: 0}", "alarms.refit", 1, "> 0, got '0'"),
    ("alarms: {exclude: 2013-12-24}", "alarms.exclude", 1, "expected a list"),
    (
        "alarms:\n  exclude:\n  - {from: 12-24, to: 12-27, name: x}\n  - {from: soon,\n     to: 12-27, name: x}",
        "alarms.exclude[1].from",
        4,
        "'soon' is neither a day nor a time; write 2013-12-24, 12-24 (every year) or",
    ),
    (
        "alarms:\n  exclude:\n  - from: 2013-12-27\n    to: 2013-12-24\n    name: x",
        "alarms.exclude[0].to",
        4,
        "it ends before it begins",
    ),
    (
        "alarms: {exclude: [{from: 12-24, to: 2013-12-27, name: x}]}",
        "alarms.exclude[0].to",
        1,
        "one edge comes every year, the other once",
    ),
    ("reference: {compare: rollin}", "reference.compare", 1, "one of fixed, rolling, last_week"),
    ("reference: {history: 6d}", "reference.history", 1, "shorter than a week"),
    ("windows: [5h]\nreference: {compare: last_week}", "reference.compare", 2, "every 5h do not"),
    ("windows: [10m]\nreference: {compare: last_week}", "reference.compare", 2, "30m at least"),
    ("detectors: {spi: {}}", "detectors.spi", 1, "did you mean `psi`?"),
    ("detectors: {psi: {enabled: 2}}", "detectors.psi.enabled", 1, "expected true or false"),
    ("detectors: {kswn: {}}", "detectors.kswn", 1, "no such detector; did you mean `kswin`?"),
    ("detectors: {zzz: {}}", "detectors.zzz", 1, "known: location, spread, shape,"),
    ("detectors: {river.FHDM: {}}", "detectors.river.FHDM", 1, "it has ADWIN, DDM,"),
    ("detectors: {psi: {settings: {a: 1}}}", "detectors.psi.settings", 1, "has none; take them"),
    (
        "detectors: {spread: {threshold: 3}}",
        "detectors.spread.threshold",
        1,
        "held against its own history here, and no fixed threshold fits that; take it out, and set a `floor`",
    ),
    (
        "detectors:\n  hellinger: {floor: 0.3}",
        "detectors.hellinger.floor",
        2,
        "a score without a threshold never alarms; set a `threshold` beside it, or the floor of `location`",
    ),
    ("detectors: {ewma: {threshold: 3}}", "detectors.ewma.threshold", 1, "see its `settings`"),
    ("detectors: {adwin: {threshold: 3}}", "detectors.adwin.threshold", 1, "see its `settings`"),
    ("detectors: {eddm: {}}", "detectors.eddm", 1, "only count errors; take `ddm` or `hddm_a`"),
    ("detectors: {river.EDDM: {}}", "detectors.river.EDDM", 1, "only count errors"),
    (
        "detectors:\n  ewma:\n    settings:\n      limt: 3",
        "detectors.ewma.settings.limt",
        4,
        "no such setting; did you mean `limit`?",
    ),
    (
        "detectors: {ewma: {settings: {limit: -3}}}",
        "detectors.ewma.settings",
        1,
        "limit",
    ),
    (
        "detectors: {ewma: {settings: {limit: x}}}",
        "detectors.ewma.settings",
        1,
        "must be a finite number",
    ),
    ("detectors: {ewma: {settings: {mode: [x]}}}", "detectors.ewma.settings.mode", 1, "got a list"),
    ("detectors: {ewma: {settings: {mode: }}}", "detectors.ewma.settings.mode", 1, "has no value"),
    ("detectors: {psi: {floor: -1}}", "detectors.psi.floor", 1, "a number >= 0, or null"),
    ("sinks: []", "sinks", 1, "expected a list of min length 1"),
    ("sinks: [{mode: binary}]", "sinks[0].type", 1, "missing; known: kafka, jsonl, console"),
    ("sinks: [{type: kafak}]", "sinks[0].type", 1, "no such type; did you mean `kafka`?"),
    ("sinks: [{type: kafka, mode: x}]", "sinks[0].mode", 1, "one of structured, binary, got 'x'"),
    ("sinks: [{type: jsonl}]", "sinks[0].path", 1, "this key is missing"),
    ("sinks: [{type: console}, {type: console}]", "sinks[1]", 1, "the same sink"),
    ("topics: {features: 'a b'}", "topics.features", 1, "not a name Kafka takes for a topic"),
    ("topics: {labels: features}", "topics.labels", 1, "the same topic as `topics.features`"),
    ("topics:\n  alerts: labels", "topics.alerts", 2, "the same topic as `topics.labels`"),
    ("topics: {alerts: null}", "topics.alerts", 1, "has no value"),
    ("topics: {features: ~, predictions: ~, labels: ~}", "topics", 1, "every input is null"),
    ("topics: x", "topics", 1, "expected a section, got 'x'"),
    ("- 1", "", 1, "expected a section, got a list"),
    ("app: 'a{b}'", "app", 1, "not a name Kafka takes"),
    ("bootstrap: kafka", "bootstrap", 1, "not a list of host:port"),
    ("bootstrap: 'a:1,b:70000'", "bootstrap", 1, "not a list of host:port"),
    ("bootstrap: ${B}", "bootstrap", 1, "the environment variable B is not set; set it"),
    ("redis: {url: 'http://x'}", "redis.url", 1, "not the address of a Redis"),
    ("http: {host: 0.0.0.0}", "http.host", 1, "other machines could read this without a token"),
    ("http: {port: 65536}", "http.port", 1, "<= 65535"),
    ("kafka: {plugin.library.paths: x}", "kafka.plugin.library.paths", 1, "it loads libraries"),
    ("kafka: {ssl.engine.location: x}", "kafka.ssl.engine.location", 1, "it loads a library"),
    ("kafka: {sasl.kerberos.kinit.cmd: x}", "kafka.sasl.kerberos.kinit.cmd", 1, "shell command"),
    (
        "kafka: {sasl.oauthbearer.token.endpoint.url: x}",
        "kafka.sasl.oauthbearer.token.endpoint.url",
        1,
        "it sends credentials to any address",
    ),
    ("kafka: {group.id: x}", "kafka.group.id", 1, "driftbus sets this itself: write it as `app`"),
    ("kafka: {sasl.pasword: x}", "kafka.sasl.pasword", 1, "did you mean `sasl.password`?"),
    ("kafka: {group.protocol: x}", "kafka.group.protocol", 1, "write one of classic, consumer"),
    (
        "kafka: {group.protocol: consumer, session.timeout.ms: 9}",
        "kafka.session.timeout.ms",
        1,
        "the broker sets this; set `group.consumer.session.timeout.ms` there",
    ),
    ("files: {label: ts}", "files.label", 1, "`ts` is `files.ts` already"),
    ("files: {constants: {modle: x}}", "files.constants.modle", 1, "known: model, version"),
    ("files: {ignore: [ts]}", "files.ignore", 1, "is needed"),
    ("files: {segment: [a, a]}", "files.segment[1]", 1, "twice"),
    ("limits: {outbox_max: 0}", "limits.outbox_max", 1, ">= 1"),
    ("pane: &p 10s\nlateness: *p", "lateness", 2, "aliases are not read"),
    ("a: [", "", 1, "cannot be read as YAML"),
    ("a: 1\n b: 2", "", 2, "cannot be read as YAML"),
    ("a: 1\n---\nb: 2", "", 2, "cannot be read as YAML"),
    ("a: \x07", "", 0, "characters that YAML does not allow"),
]


@pytest.mark.parametrize(("text", "key", "line", "words"), BAD, ids=[bad[0][:40] for bad in BAD])
def test_a_bad_file_is_told_by_key_and_line(text: str, key: str, line: int, words: str) -> None:
    """One fault gives one line, which ends the command with exit code 2."""
    with pytest.raises(ConfigError) as told:
        from_text(text, {}, "d.yaml")
    error = told.value
    assert (error.key, error.line, len(error.problems)) == (key, line, 1)
    assert words in str(error)
    assert str(error).startswith("d.yaml: ")
    assert "\n" not in str(error)
    assert error.exit_code == 2


def test_all_problems_are_told_at_once_in_the_order_of_the_lines() -> None:
    """Four faults in a file need one run to be seen, not four."""
    text = "sample: 2\nhttp:\n  port: x\nwindow: 1h\nbootstrap: ${NO} ${SUCH}\n"
    with pytest.raises(ConfigError) as told:
        from_text(text, {})
    assert [(problem.line, problem.key) for problem in told.value.problems] == [
        (1, "sample"),
        (3, "http.port"),
        (4, "window"),
        (5, "bootstrap"),
        (5, "bootstrap"),
    ]
    assert len(str(told.value).splitlines()) == 5
    with pytest.raises(ConfigError) as told:
        from_text("app: ' '\nwindows: [15s, 25s]\nhttp: {host: 1.2.3.4}", {})
    assert [problem.line for problem in told.value.problems] == [1, 2, 2, 3]


def test_an_error_survives_the_way_between_processes() -> None:
    """Pickling keeps key, line and text."""
    with pytest.raises(ConfigError) as told:
        from_text("pan: 1\nsample: 9", {})
    copy = pickle.loads(pickle.dumps(told.value))  # noqa: S301 - our own bytes
    assert (str(copy), copy.key, copy.line) == (str(told.value), told.value.key, told.value.line)


def test_every_allowed_setting_is_one_librdkafka_knows() -> None:
    """A typing error on the list would be found here, not by a user."""
    for name in sorted(ALLOWED):
        # The last setting is unknown, so nothing is started, and only it may be told as unknown.
        told = r'Invalid value|allowed range|No such configuration property: "no\.such"'
        with pytest.raises(KafkaException, match=told):
            Producer({name: "1", "no.such": "x"})


def test_switched_off_checks_are_cautioned_about() -> None:
    """What is allowed and dangerous is said loudly; the default configuration is quiet."""
    text = """
    kafka:
      enable.ssl.certificate.verification: false
      ssl.endpoint.identification.algorithm: none
      security.protocol: SASL_PLAINTEXT
      sasl.password: x
    """
    assert len(cautions(from_text(text, {}))) == 3
    assert cautions(from_text("", {})) == []
