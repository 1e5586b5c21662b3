"""Debian's nginx with the shipped configuration, on ports and with a certificate of a test's own."""

import contextlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from services.dev import debian
from tests.support.interop import lacking

SHIPPED = Path(__file__).resolve().parents[2] / "deploy" / "nginx" / "doithoai.conf"
NGINX = "/usr/sbin/nginx"


def nginx() -> str:
    """The path of nginx. It is installed, after saying so, where packages may be."""
    if shutil.which(NGINX) is None and debian.can_install():
        print("installing Debian's nginx with apt-get ...")
        debian.install("nginx-light")
    if shutil.which(NGINX) is None:
        lacking("nginx", "apt-get install nginx")
    return NGINX


@contextlib.contextmanager
def proxying(folder: Path, ports: tuple[int, int], intake: str, followup: str) -> Iterator[None]:
    """nginx on two ports, plain and TLS, before the addresses of the services, until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(folder / "server.key"),
         "-out", str(folder / "server.crt")],
        check=True, capture_output=True,
    )  # fmt: skip
    text = SHIPPED.read_text("utf-8")
    for before, after in (
        ("listen 80;", f"listen 127.0.0.1:{ports[0]};"), ("listen 443 ", f"listen 127.0.0.1:{ports[1]} "),
        ("listen [::]:80;", f"listen [::1]:{ports[0]};"), ("listen [::]:443 ", f"listen [::1]:{ports[1]} "),
        ("127.0.0.1:8570;", f"{intake.removeprefix('http://')};"), ("127.0.0.1:8571;", f"{followup.removeprefix('http://')};"),
        ("/etc/doithoai/tls/", f"{folder}/"), ("rate=20r/s", "rate=2000r/s"),
    ):  # fmt: skip
        assert before in text
        text = text.replace(before, after)
    (folder / "site.conf").write_text(text, "utf-8")
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr;\n"
        f"events {{}}\nhttp {{ {temporary} include {folder}/site.conf; }}\n",
        "utf-8",
    )
    with (folder / "nginx.log").open("wb") as log:
        process = subprocess.Popen([nginx(), "-c", str(folder / "nginx.conf")], stderr=log, stdout=log)
        try:
            yield
            assert process.poll() is None, (folder / "nginx.log").read_text("utf-8")
        finally:
            process.terminate()
            process.wait(10)


def listens(folder: Path) -> bool:
    """Whether nginx has begun, which its log says nothing of."""
    return bool(re.search(r"\d", (folder / "nginx.pid").read_text() if (folder / "nginx.pid").exists() else ""))
