"""intake behind Debian's nginx as a gateway that keeps `Authorization` to itself and shows it under a path."""

import asyncio
import contextlib
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx

from services.dev.rabbitmq import free_ports
from shared.http.auth import mint_token
from tests.support.intake import COMMUNE, DISTRICT, served, tokens_file
from tests.support.nginx import nginx
from tests.support.provider import signing

#: The gateway asks everybody for a password of its own, and hands on what it is not asked to keep.
CONFIGURATION = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr;
events {{}}
http {{
  access_log off;
  {temporary}
  server {{
    listen 127.0.0.1:{port};
    location /tich-hop/intake/ {{
      if ($http_authorization != "Basic Z2F0ZXdheTpwYXNz") {{ return 401; }}
      proxy_set_header Authorization "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_pass http://{intake};
    }}
  }}
}}
"""
PASSWORD = ("gateway", "pass")


def written(folder: Path, port: int, intake: str) -> Path:
    """The configuration of the gateway before an intake."""
    folder.mkdir()
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    text = CONFIGURATION.format(folder=folder, temporary=temporary, port=port, intake=intake.removeprefix("http://"))
    (folder / "nginx.conf").write_text(text, "utf-8")
    return folder / "nginx.conf"


@contextlib.asynccontextmanager
async def gateway(folder: Path, port: int, intake: str) -> AsyncIterator[str]:
    """The address of intake behind the gateway, until the block ends."""
    command = (nginx(), "-c", str(written(folder, port, intake)))
    process = await asyncio.create_subprocess_exec(*command, stderr=subprocess.DEVNULL)
    try:
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            assert process.returncode is None, "nginx did not start"
            await asyncio.sleep(0.02)
        yield f"http://127.0.0.1:{port}/tich-hop/intake"
    finally:
        process.terminate()
        await process.wait()


async def test_gateway__keeps_authorization_and_tokens_of_either_kind_go_in_the_header(
    placed: str, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    by_file, entry = mint_token("portal", "system", DISTRICT)
    async with signing() as signer:
        settings = {
            "tokens_file": str(tokens_file(tmp_path, entry)),
            "jwt_issuer": signer.issuer,
            "public_url": f"http://127.0.0.1:{port}/tich-hop/intake",
        }
        by_provider = signer.token("a", aud="doithoai-api", client_id="app", scope=f"role:system place:{DISTRICT}")
        async with (
            served(placed, tmp_path, **settings) as intake,
            gateway(tmp_path / "gateway", port, str(intake.client.base_url).rstrip("/")) as url,
            httpx.AsyncClient(auth=PASSWORD) as client,
        ):
            assert (await client.get(f"{url}/v1/me")).status_code == 401
            for token, caller in ((by_file, "portal"), (by_provider, "app")):
                own = {"X-Doithoai-Token": token}
                assert (await client.get(f"{url}/v1/me", headers=own)).json()["caller"] == caller
                body = {"jurisdiction": COMMUNE, "text": "Đường sạt lở.", "external_id": caller}
                pushed = await client.post(f"{url}/v1/petitions", json=body, headers=own)
                assert pushed.status_code == 201, pushed.text
                assert pushed.headers["location"].startswith("/tich-hop/intake/v1/petitions/")
                found = await client.get(httpx.URL(url).join(pushed.headers["location"]), headers=own)
                assert found.status_code == 200
            expired = signer.token("a", aud="doithoai-api", client_id="app", exp=int(time.time()) - 600)
            assert (await client.get(f"{url}/v1/me", headers={"X-Doithoai-Token": expired})).status_code == 401
            # Without the gateway's own password nobody comes so far.
            async with httpx.AsyncClient() as stranger:
                refused = await stranger.get(f"{url}/v1/me", headers={"X-Doithoai-Token": by_file})
                assert refused.status_code == 401 and "problem" not in refused.headers["content-type"]
