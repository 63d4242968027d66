"""Prometheus and Grafana: they read what the workers tell, and every question is a fair one."""

import json
import re
from typing import Any

import pytest

from stream.run.work.metrics import NAMES
from tests.deploy.files import DEPLOY, read_yaml, services
from tests.deploy.promql import expressions, words_of

DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana/dashboards/driftbus.json").read_text())
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
(GROUP,) = read_yaml("prometheus/alerts.yml")["groups"]
RULES: list[dict[str, Any]] = GROUP["rules"]
VARIABLES = DASHBOARD["templating"]["list"]
QUERIES = [variable["definition"] for variable in VARIABLES]
EXPRESSIONS = [*expressions(PANELS), *QUERIES, *(rule["expr"] for rule in RULES)]


def mounted(service: str, path: str) -> bool:
    """Tell whether a container sees a path, by a mount of its folder or by a config."""
    one = services()[service]
    folders = [mount.split(":")[1] for mount in one.get("volumes", [])]
    configs = [config["target"] for config in one.get("configs", [])]
    return path in configs or any(path.startswith(folder) for folder in folders)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_speaks_only_of_metrics_and_labels_there_are(expression: str) -> None:
    """A misspelt metric would be an empty panel or an alert that never fires."""
    words = words_of(expression)
    assert words.unknown == set()
    assert words.metrics or re.search(r"\b(up|ALERTS)\b", expression)


def test_the_dashboard_shows_every_metric() -> None:
    """What a worker tells is somewhere to be seen."""
    shown = set().union(*(words_of(one).metrics for one in [*expressions(PANELS), *QUERIES]))
    assert shown == set(NAMES)


def test_panels_have_ids_and_places_of_their_own() -> None:
    """No two panels share an id or a cell of the grid, and none sticks out."""
    ids = [panel["id"] for panel in PANELS]
    assert len(set(ids)) == len(ids)
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in PANELS)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24


def test_every_panel_says_what_it_shows() -> None:
    """A person who sees a number for the first time can read what it means."""
    for panel in PANELS:
        assert panel["type"] == "row" or panel["description"].endswith(".")


def test_every_variable_of_an_expression_is_offered() -> None:
    """What the dashboard asks by is what it lets choose, or what Grafana fills in."""
    offered = {variable["name"] for variable in VARIABLES} | {"__rate_interval", "__range"}
    used = set(re.findall(r"\$(\w+)", " ".join(expressions(PANELS))))
    assert used == offered


def test_all_that_asks_prometheus_asks_the_one_that_is_provisioned() -> None:
    """The data source's uid is one, in the provisioning and wherever the dashboard names it."""
    (source,) = read_yaml("grafana/provisioning/datasources/prometheus.yaml")["datasources"]
    uids = set(re.findall(r'"datasource":\s*\{[^}]*"uid":\s*"([^"]+)"', json.dumps(DASHBOARD)))
    assert uids == {source["uid"]}
    port = services()["prometheus"]["ports"][0].split(":")[2]
    assert source["url"] == f"http://prometheus:{port}"


def test_grafana_finds_the_dashboard_it_is_to_open_with() -> None:
    """The provider's folder and the home dashboard are where the file is mounted."""
    (provider,) = read_yaml("grafana/provisioning/dashboards/driftbus.yaml")["providers"]
    home = services()["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{provider['options']['path']}/driftbus.json"
    assert mounted("grafana", home)
    for kind in ("datasources", "dashboards"):
        assert mounted("grafana", f"/etc/grafana/provisioning/{kind}")


def test_prometheus_finds_its_files() -> None:
    """Its configuration, the rules beside it and the token are mounted where they are named."""
    config = read_yaml("prometheus/prometheus.yml")
    (named,) = [word for word in services()["prometheus"]["command"] if "config.file" in word]
    path = named.partition("=")[2]
    assert mounted("prometheus", path)
    assert all((DEPLOY / "prometheus" / rules).is_file() for rules in config["rule_files"])
    (job,) = config["scrape_configs"]
    assert mounted("prometheus", job["authorization"]["credentials_file"])
    assert job["job_name"] == "driftbus"  # by which the rules and the dashboard ask


def test_every_alert_is_explained_where_a_person_looks() -> None:
    """Each has a name of its own, a severity, a summary, and a line in the README beside it."""
    readme = (DEPLOY / "README.md").read_text()
    names = [rule["alert"] for rule in RULES]
    assert len(set(names)) == len(names)
    for rule in RULES:
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert rule["annotations"].keys() == {"summary", "description"}
        assert f"`{rule['alert']}`" in readme
