"""What the keys of a configuration owe one another, and words whose form is fixed elsewhere.

A rule yields problems as (key, what is wrong, what to do); it sees a configuration in which every
single value is already good.
"""

import ipaddress
import re
from collections import Counter
from collections.abc import Collection, Iterator

from stream.config.calendar import DAY_OR_TIME, is_edge, span_of
from stream.config.detectors import detector_problems
from stream.config.durations import duration_text
from stream.config.kafka import BROKERS_OWN, DANGEROUS, GROUP_PROTOCOLS, refusal
from stream.config.outside import FilesConfig, JsonlSink
from stream.config.schema import Config
from stream.config.watching import Window

__all__ = ["cautions", "is_loopback", "problems_of"]

Problem = tuple[str, str, str]

WEEK_MS = 604_800_000
LAST_WEEK_EVERY_MS = 1_800_000
"""Windows that end more often are not kept for a week and as long again, to learn from."""
REFIT_LEAST_MS = 3_600_000
REFIT_MOST_MS = 4 * WEEK_MS
"""As far as `reference.history` looks back by default."""
_KAFKA_NAME = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}")
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})")
_NAME_RULE = "use letters, digits, `.`, `_` and `-`, at most 249"


def problems_of(config: Config, also_of_kafka: Collection[str] = ()) -> Iterator[Problem]:
    """Tell all that is wrong between the keys, in the order of the sections.

    `also_of_kafka` names settings of Kafka that are allowed besides those on the list.
    """
    yield from _addresses(config)
    yield from _topics(config)
    yield from _kafka(config, also_of_kafka)
    yield from _windows(config)
    yield from _compared(config)
    yield from _excluded(config)
    yield from _refitted(config)
    yield from detector_problems(config)
    yield from _sinks(config)
    yield from _columns(config.files)
    if not is_loopback(config.http.host) and config.http.token is None:
        yield (
            "http.host",
            "other machines could read this without a token",
            "set `http.token`, or bind 127.0.0.1",
        )


def cautions(config: Config) -> list[str]:
    """Tell what is allowed and yet dangerous, a line each, to be logged at the start."""
    off = {
        "enable.ssl.certificate.verification": {"false", "f", "0"},
        "ssl.endpoint.identification.algorithm": {"none"},
    }
    found = [
        f"kafka.{name} is off: anyone on the way can pose as the broker"
        for name, values in off.items()
        if config.kafka.get(name, "").lower() in values
    ]
    found += [
        f"kafka.{name} is set: {DANGEROUS[name]}" for name in config.kafka if name in DANGEROUS
    ]
    plain = config.kafka.get("security.protocol", "plaintext").lower() == "sasl_plaintext"
    if plain and "sasl.password" in config.kafka:
        found.append("kafka.security.protocol is sasl_plaintext: the password goes in the clear")
    return found


def is_loopback(host: str) -> bool:
    """Tell whether an address or name is this machine's own and not seen by others."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _addresses(config: Config) -> Iterator[Problem]:
    if config.bootstrap != "embedded":
        for address in config.bootstrap.split(","):
            found = _ADDRESS.fullmatch(address.strip())
            if found is None or not 0 < int(found[2]) < 65_536:
                yield "bootstrap", "not a list of host:port", "write host:port[,host:port]"
                break
    if not _KAFKA_NAME.fullmatch(config.app):
        yield "app", "not a name Kafka takes for a group", _NAME_RULE
    url = config.redis.url
    if url is not None and not re.match(r"(rediss?|unix)://.", url):
        yield "redis.url", "not the address of a Redis", "write redis://host:6379/0 or rediss://..."


def _topics(config: Config) -> Iterator[Problem]:
    topics = config.topics
    inputs = {
        "features": topics.features,
        "predictions": topics.predictions,
        "labels": topics.labels,
    }
    used: dict[str, str] = {}
    for key, name in (inputs | {"alerts": topics.alerts}).items():
        if name is None:
            continue
        if not _KAFKA_NAME.fullmatch(name):
            yield f"topics.{key}", "not a name Kafka takes for a topic", _NAME_RULE
        if name in used:
            yield f"topics.{key}", f"the same topic as `topics.{used[name]}`", "give it its own"
        used.setdefault(name, key)
    if not any(inputs.values()):
        yield "topics", "every input is null: nothing would be read", "name one at least"


def _kafka(config: Config, also: Collection[str]) -> Iterator[Problem]:
    for name in config.kafka:
        refused = refusal(name, also)
        if refused is not None:
            yield f"kafka.{name}", *refused
    protocol = config.kafka.get("group.protocol", "classic")
    if protocol not in GROUP_PROTOCOLS:
        todo = f"write one of {', '.join(GROUP_PROTOCOLS)}"
        yield "kafka.group.protocol", f"there is no protocol {protocol!r}", todo
    elif protocol == "consumer":
        for name in BROKERS_OWN:
            if name in config.kafka:
                told = "under `group.protocol: consumer` the broker sets this"
                yield f"kafka.{name}", told, f"set `group.consumer.{name}` there, and take it out"


def _windows(config: Config) -> Iterator[Problem]:
    pane = duration_text(config.pane_ms)
    for window, times in Counter(config.windows).items():
        if times > 1:
            yield "windows", f"the window {window} stands there {times} times", "keep one"
        yield from _window(window, config.pane_ms, pane)


def _window(window: Window, pane_ms: int, pane: str) -> Iterator[Problem]:
    for ms in dict.fromkeys((window.size_ms, window.every_ms)):
        if ms % pane_ms:
            length = duration_text(ms)
            yield "windows", f"{length} is no multiple of the pane, {pane}", "change one of them"
    if window.size_ms % window.every_ms:
        yield "windows", f"{window}: `every` does not divide `size`", "make it a whole part"


def _compared(config: Config) -> Iterator[Problem]:
    reference = config.reference
    if reference.history_ms < WEEK_MS:
        yield "reference.history", "shorter than a week, which has days of every kind", "make it 7d"
    if reference.compare != "last_week":
        return
    for window in config.windows:
        every = duration_text(window.every_ms)
        if WEEK_MS % window.every_ms:
            todo = "change them, or compare with `fixed` or `rolling`"
            yield "reference.compare", f"windows every {every} do not divide a week", todo
        elif window.every_ms < LAST_WEEK_EVERY_MS:
            least = duration_text(LAST_WEEK_EVERY_MS)
            yield (
                "reference.compare",
                f"a week of windows every {every} is not kept",
                f"{least} at least",
            )


def _excluded(config: Config) -> Iterator[Problem]:
    for at, told in enumerate(config.alarms.exclude):
        key, edges = f"alarms.exclude[{at}]", {"from": told.first, "to": told.last}
        wrong = [name for name, text in edges.items() if not is_edge(text)]
        for name in wrong:
            yield f"{key}.{name}", f"'{edges[name][:80]}' is neither a day nor a time", DAY_OR_TIME
        if not wrong:
            try:
                span_of(told.name, told.first, told.last)
            except ValueError as error:
                yield f"{key}.to", str(error), "change one of them"


def _refitted(config: Config) -> Iterator[Problem]:
    if config.alarms.refit_ms < REFIT_LEAST_MS:
        told = "oftener than every hour: to learn costs as much as to judge some 400 windows"
        yield "alarms.refit", told, "make it 1h at least; 1d follows changes well"
    if config.alarms.refit_ms > REFIT_MOST_MS:
        told = "more seldom than every 28 days: what a month has made usual would still be told as drift"
        yield "alarms.refit", told, "make it 28d at most; 7d is usual"


def _sinks(config: Config) -> Iterator[Problem]:
    names = [
        f"jsonl sink to {sink.path}" if isinstance(sink, JsonlSink) else type(sink).__name__
        for sink in config.sinks
    ]
    for at, name in enumerate(names):
        if name in names[:at]:
            yield f"sinks[{at}]", "the same sink stands there twice", "keep one"


def _columns(files: FilesConfig) -> Iterator[Problem]:
    fillable = {"model", "version", *files.segment}
    for name in files.constants:
        if name not in fillable:
            known = ", ".join(sorted(fillable))
            yield f"files.constants.{name}", "nothing to fill by this name", f"known: {known}"
    roles = ("ts", "id", "model", "version", "prediction", "score", "label", "label_ts")
    used: dict[str, str] = {}
    for role in roles:
        column = getattr(files, role)
        if column in used:
            yield f"files.{role}", f"`{column}` is `files.{used[column]}` already", "name another"
        elif column is not None:
            used[column] = role
    for at, column in enumerate(files.segment):
        if column in files.segment[:at]:
            yield f"files.segment[{at}]", f"`{column}` stands there twice", "keep one"
    if files.ts in files.ignore:
        yield "files.ignore", f"`{files.ts}` is `files.ts`, which is needed", "take it out"
