"""Prints for the Prometheus Operator what to scrape, and the rules: `monitoring.py | kubectl -n NAMESPACE apply -f -`.

The rules are those of deploy/prometheus, taken as they are when this is run: there is no second copy of them.
"""

import sys
from pathlib import Path
from typing import Any

import yaml

RULES = Path(__file__).resolve().parents[1] / "prometheus"
API = "monitoring.coreos.com/v1"
#: The whole country's: the metrics tell of every jurisdiction. The overlay generates it.
TOKEN = {"name": "monitoring", "key": "operations.token"}


def monitors() -> list[dict[str, Any]]:
    """One a service. A Service's name becomes the job that the rules name."""
    return [
        {
            "apiVersion": API,
            "kind": "ServiceMonitor",
            "metadata": {"name": service},
            "spec": {
                "selector": {"matchLabels": {"app.kubernetes.io/name": service}},
                "endpoints": [{"port": "http", "interval": "15s", "authorization": {"credentials": TOKEN}}],
            },
        }
        for service in ("intake", "followup")
    ]


def rules() -> dict[str, Any]:
    """Every group of both files."""
    files = [RULES / f"{name}.rules.yml" for name in ("recording", "alerts")]
    groups = [group for file in files for group in yaml.safe_load(file.read_text("utf-8"))["groups"]]
    return {"apiVersion": API, "kind": "PrometheusRule", "metadata": {"name": "doithoai"}, "spec": {"groups": groups}}


if __name__ == "__main__":
    yaml.safe_dump_all([*monitors(), rules()], sys.stdout, allow_unicode=True, sort_keys=False)
