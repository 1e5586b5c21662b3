"""What callers and people are told by nginx and HAProxy, as they are shipped, where no process answers."""

import contextlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from services.dev import debian
from services.dev.rabbitmq import free_ports
from tests.cluster.balancer import PORTS, configuration
from tests.support.interop import lacking
from tests.support.nginx import listens, nginx, proxying
from tests.support.pair import until

HAPROXY = Path("/usr/sbin/haproxy")


@pytest.fixture(scope="module")
def behind_nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    nginx()
    folder = tmp_path_factory.mktemp("nginx")
    plain, secure, nobody = free_ports(3)
    gone = f"http://127.0.0.1:{nobody}"
    with proxying(folder, (plain, secure), gone, gone):
        until(lambda: listens(folder))
        outside = f"https://127.0.0.1:{secure}"
        yield {"intake": f"{outside}/doithoai-intake", "followup": f"{outside}/doithoai"}


@pytest.fixture(scope="module")
def behind_haproxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    if not HAPROXY.exists() and debian.can_install():
        debian.install("haproxy")
    if not HAPROXY.exists():
        lacking("haproxy", "apt-get install haproxy")
    # Ports of the document itself, at an address where nobody else listens.
    edge, servers = "127.86.4.1", dict.fromkeys(("intake1", "intake2", "followup1", "followup2"), "127.86.4.2")
    file = tmp_path_factory.mktemp("haproxy") / "haproxy.cfg"
    file.write_text(configuration(edge, servers), "utf-8")
    process = subprocess.Popen([str(HAPROXY), "-db", "-f", str(file)], stderr=subprocess.DEVNULL)
    try:
        addresses = {service: f"http://{edge}:{port}" for service, port in PORTS.items()}
        until(lambda: all(answers(url) for url in addresses.values()))
        yield addresses
    finally:
        process.terminate()
        process.wait(10)


def answers(url: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(url).status_code == 503
    return False


@pytest.fixture(params=["nginx", "haproxy"])
def door(request: pytest.FixtureRequest) -> dict[str, str]:
    found: dict[str, str] = request.getfixturevalue(f"behind_{request.param}")
    return found


@pytest.mark.parametrize(("service", "path"), [("intake", "/v1/petitions"), ("followup", "/v1/deadlines")])
def test_call__gets_a_problem_in_both_languages_and_when_to_come_again(
    door: dict[str, str], service: str, path: str
) -> None:
    answer = httpx.get(door[service] + path, verify=False)
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert answer.headers["retry-after"] == "5"
    problem = answer.json()
    assert (problem["type"], problem["status"]) == ("urn:doithoai:problem:no-answer", 503)
    assert problem["detail"] == problem["translations"]["en"]["detail"]
    assert "cùng khóa" in problem["translations"]["vi"]["detail"]


def test_person__gets_a_page_in_both_languages(door: dict[str, str]) -> None:
    answer = httpx.get(f"{door['followup']}/cases", verify=False)
    assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert re.search(r"chưa trả lời.*does not answer", answer.text)


def test_figures__are_for_nobody_outside(behind_haproxy: dict[str, str]) -> None:
    for path in ("/metrics", "/metrics/", "//metrics", "/%6detrics"):
        assert httpx.get(f"{behind_haproxy['intake']}{path}").status_code == 403, path
