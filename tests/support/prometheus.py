"""Real Prometheus and Alertmanager for a test: Debian's packages, on free ports; and a sink for what they send."""

import contextlib
import json
import re
import shutil
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from services.dev import debian
from services.dev.rabbitmq import end_group, free_ports

RULES = Path(__file__).resolve().parents[2] / "deploy" / "prometheus"
PROGRAMS = {"prometheus": "prometheus", "promtool": "prometheus"} | {
    "prometheus-alertmanager": "prometheus-alertmanager",
    "amtool": "prometheus-alertmanager",
}
START_TIMEOUT = 20.0  # seconds
STOP_TIMEOUT = 10.0  # seconds


def ensure_installed() -> None:
    """Debian's prometheus and prometheus-alertmanager; installed where they may be, without starting any service."""
    missing = sorted({package for program, package in PROGRAMS.items() if shutil.which(program) is None})
    if missing and debian.can_install():
        debian.install(*missing)
    remedy = f"these tests need Debian's packages: apt-get install {' '.join(missing)}"
    assert all(map(shutil.which, PROGRAMS)), remedy


def run(program: str, *arguments: object) -> str:
    """What a tool prints; it must succeed."""
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"
    return done.stdout


def shortened(text: str, factor: float) -> str:
    """Rules, routes or a query whose durations (ranges, offsets, `for`, intervals, waits) are divided by a factor."""

    def shorter(found: re.Match[str]) -> str:
        seconds = int(found[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]]
        return f"{max(round(seconds * 1000 / factor), 1)}ms"

    return re.sub(r"(?<=[ \[:])(\d+)([smhd])\b", shorter, text)


class ListeningProgram:
    """A program that listens on one port of the loopback and says when it is ready."""

    def __init__(self, folder: Path, command: list[str]) -> None:
        (self.port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = folder / f"{command[0]}.log"
        command = [*command, f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"]
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder, start_new_session=True
            )
        until = time.monotonic() + START_TIMEOUT
        while not self._is_ready():
            assert self._process.poll() is None, self._log.read_text("utf-8")
            assert time.monotonic() < until, self._log.read_text("utf-8")
            time.sleep(0.05)

    def get(self, path: str, **query: str) -> Any:
        """The answer of its API."""
        with urllib.request.urlopen(f"{self.url}{path}?{urllib.parse.urlencode(query)}", timeout=10) as answer:
            return json.load(answer)

    def stop(self) -> None:
        """End it."""
        end_group(self._process, signal.SIGTERM, STOP_TIMEOUT)

    def _is_ready(self) -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.url}/-/ready", timeout=1) as answer:
            return bool(answer.status == 200)
        return False


class Prometheus(ListeningProgram):
    """A Prometheus with a configuration of its own."""

    def __init__(self, folder: Path, config: Any) -> None:
        file = folder / "prometheus.yml"
        file.write_text(yaml.safe_dump(config, allow_unicode=True), "utf-8")
        command = ["prometheus", f"--config.file={file}", f"--storage.tsdb.path={folder / 'tsdb'}"]
        # It finds its Alertmanager seconds after it started: what fired before is told at the next resend.
        super().__init__(folder, [*command, "--rules.alert.resend-delay=1s"])

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """The samples of an instant query. Raises AssertionError for one that is wrong."""
        try:
            answer = self.get("/api/v1/query", query=expression)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{expression}: {error.read().decode()}") from None
        data = answer["data"]
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        return [(sample["metric"], float(sample["value"][1])) for sample in data["result"]]

    def firing(self) -> list[dict[str, Any]]:
        """The alerts that fire."""
        return [alert for alert in self.get("/api/v1/alerts")["data"]["alerts"] if alert["state"] == "firing"]


class Alertmanager(ListeningProgram):
    """An Alertmanager with a configuration of its own."""

    def __init__(self, folder: Path, config: Any) -> None:
        file = folder / "alertmanager.yml"
        file.write_text(yaml.safe_dump(config, allow_unicode=True), "utf-8")
        super().__init__(
            folder,
            [
                "prometheus-alertmanager",
                f"--config.file={file}",
                f"--storage.path={folder / 'alertmanager'}",
                "--cluster.listen-address=",
            ],
        )

    def is_inhibited(self, name: str) -> bool:
        """Whether an alert is held back because another one says more."""
        alerts = self.get("/api/v2/alerts", filter=f'alertname="{name}"')
        return bool(alerts) and all(alert["status"]["inhibitedBy"] for alert in alerts)


@contextlib.contextmanager
def serving(answer: Callable[[str, bytes], bytes], status: int = 200) -> Iterator[str]:
    """A small HTTP server; `answer` gets path and body, what it returns is the reply. Its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            reply = answer(self.path, self.rfile.read(int(self.headers.get("Content-Length") or 0)))
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class AlertReceiver:
    """Where Alertmanager's notifications arrive: what a person on call would have seen."""

    def __init__(self) -> None:
        self.notifications: list[dict[str, Any]] = []

    def __call__(self, path: str, body: bytes) -> bytes:
        self.notifications.append(json.loads(body) | {"path": path})
        return b""

    def told(self, name: str, status: str = "firing") -> list[dict[str, Any]]:
        """The alerts of that name in the notifications, with that status."""
        alerts = [alert for notification in self.notifications for alert in notification["alerts"]]
        return [alert for alert in alerts if alert["labels"]["alertname"] == name and alert["status"] == status]


class Exporter:
    """Metrics that the test sets; stands for what a real service does not do quickly."""

    def __init__(self) -> None:
        self.values: dict[str, Callable[[], float] | float] = {}

    def __call__(self, path: str, body: bytes) -> bytes:
        shown = {name: value() if callable(value) else value for name, value in list(self.values.items())}
        return "".join(f"{name} {value!r}\n" for name, value in shown.items()).encode()


class Watch:
    """Prometheus and Alertmanager over these targets, with the rules and routes that are deployed, only quicker."""

    def __init__(self, folder: Path, targets: dict[str, str], sink: str, factor: float, scrape: str = "") -> None:
        routes = yaml.safe_load(shortened((RULES / "alertmanager.yml").read_text("utf-8"), 120))
        for receiver in routes["receivers"]:
            receiver["webhook_configs"] = [{"url": f"{sink}/{receiver['name']}", "send_resolved": True}]
        self.alertmanager = Alertmanager(folder, routes)
        config = yaml.safe_load(shortened((RULES / "prometheus.yml").read_text("utf-8"), factor))
        for file in config["rule_files"]:
            # A threshold in seconds is a duration too.
            text = re.sub(r"(time\(\) - .* > )(\d+)", rf"\1 (\2 / {factor / 2})", (RULES / file).read_text("utf-8"))
            (folder / file).write_text(shortened(text, factor), "utf-8")
        config["global"]["scrape_interval"] = scrape or config["global"]["scrape_interval"]
        config["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": [self.alertmanager.url[7:]]}]}]
        config["scrape_configs"] = [
            {"job_name": job, "static_configs": [{"targets": [url.removeprefix("http://")]}]}
            for job, url in targets.items()
        ]
        self.prometheus = Prometheus(folder, config)

    def stop(self) -> None:
        """End both."""
        self.prometheus.stop()
        self.alertmanager.stop()


def until(happened: Callable[[], Any], what: str, timeout: float = 30.0) -> Any:
    """Poll until something is true, and give it."""
    end = time.monotonic() + timeout
    while not (found := happened()):
        assert time.monotonic() < end, f"not within {timeout:.0f} s: {what}"
        time.sleep(0.1)
    return found
