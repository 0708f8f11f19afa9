"""The topology of several processes on this machine: `make scale-up` (PORT, PROCESSES=2).

PostgreSQL, N times `nasro-chat serve` and nginx, as plain processes, with the files of `deploy/nginx`
and the project's `endpoints.yml`. Their data are in a folder that goes away at the end. The tests and
`make bench-scale` use the same.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

import httpx

from registration.database import Database
from registration.sample import load_sample
from tests.running_server import Server, free_port, wait_until
from tests.services.postgres import PostgresServer

NGINX_FILES = Path(__file__).parent / "nginx" / "nasro-chat"

LEAST_CONNECTIONS = "least_conn;"
STICKY = "hash $nasro_conversation consistent;"

AROUND_THE_SITE = """
{user}
worker_processes 1;
daemon off;
pid nginx.pid;
events {{ worker_connections 4096; }}
http {{
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path unused;
    uwsgi_temp_path unused;
    scgi_temp_path unused;
    include nasro-chat/http.conf;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        access_log off;
        include nasro-chat/locations.conf;
    }}
}}
"""
"""What /etc/nginx/nginx.conf and site.conf are where it runs for real; without TLS."""


def nginx() -> str | None:
    """The program, where it is installed; /usr/sbin isn't on everybody's path."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@dataclass
class Topology:
    """Several processes of the assistant behind nginx, on one PostgreSQL.

    Args:
        folder: For logs and configuration.
        processes: How many serve.
        port: nginx's; the processes have free ones.
        balance: nginx's way to choose a process.
        postgres: One that runs already; without one it has its own, whose commits are durable.
        environment: Settings of the processes besides.
        arguments: Of `nasro-chat serve`.
    """

    folder: Path
    processes: int = 2
    port: int = field(default_factory=free_port)
    balance: str = LEAST_CONNECTIONS
    postgres: PostgresServer | None = None
    environment: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    servers: list[Server] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def registration_url(self) -> str:
        assert self.postgres
        return self.postgres.url(f"registration_{self.port}")

    @property
    def conversations_url(self) -> str:
        assert self.postgres
        return self.postgres.url(f"conversations_{self.port}")

    def start(self) -> None:
        """Starts everything, and waits until all processes are ready.

        Raises:
            RuntimeError: nginx is missing, or something didn't get ready; the message says what it printed.
        """
        if nginx() is None:
            raise RuntimeError("nginx is missing: on Debian and Ubuntu, apt-get install nginx.")
        self._owns_postgres = self.postgres is None
        self.postgres = self.postgres or PostgresServer(is_durable=True)
        for name in ("registration", "conversations"):
            self.postgres.execute(f"CREATE DATABASE {name}_{self.port}")
        database = Database(self.registration_url)
        database.upgrade()
        load_sample(database, today=datetime.now(timezone.utc).date())
        database.dispose()

        secret = secrets.token_hex(32)
        for number in range(self.processes):
            folder = self.folder / f"process-{number + 1}"
            folder.mkdir()
            self.servers.append(
                Server(
                    folder=folder,
                    port=free_port(),
                    arguments=self.arguments,
                    extra_environment={
                        "NASRO_ENVIRONMENT": "production",
                        "NASRO_SECRET": secret,
                        "NASRO_REGISTRATION_URL": self.registration_url,
                        "NASRO_CONVERSATIONS_URL": self.conversations_url,
                        "NASRO_PROXIES": "1",
                        "NASRO_REQUESTS_PER_MINUTE": "300",
                        **self.environment,
                    },
                )
            )
        # Several at once, as after a power cut, but no more than a small machine has cores.
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(Server.start, self.servers))
        self._start_nginx()

    def _start_nginx(self) -> None:
        shutil.copytree(NGINX_FILES, self.folder / "nasro-chat")
        servers = "".join(
            f"server 127.0.0.1:{server.port} max_fails=1 fail_timeout=3s;\n"
            for server in self.servers
        )
        (self.folder / "nasro-chat/processes.conf").write_text(f"{self.balance}\n{servers}")
        (self.folder / "nginx.conf").write_text(
            AROUND_THE_SITE.format(port=self.port, user="user root;" if os.geteuid() == 0 else "")
        )
        program = nginx()
        assert program
        log = self.folder / "nginx.log"
        with log.open("ab") as output:
            self._nginx = subprocess.Popen(
                [program, "-p", str(self.folder), "-c", "nginx.conf", "-e", "stderr"],
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            wait_until(self._answers)
        except TimeoutError:
            raise RuntimeError(f"nginx didn't get ready. It printed:\n{log.read_text()}") from None

    def nginx_id(self) -> int:
        """Of nginx's first process, whose child passes requests on."""
        return self._nginx.pid

    def _answers(self) -> bool:
        if self._nginx.poll() is not None:
            raise TimeoutError("nginx has ended")
        return httpx.get(self.url).status_code == 200

    def stop(self) -> None:
        """Ends everything, nginx first; the processes finish what they have begun."""
        if nginx := getattr(self, "_nginx", None):
            nginx.send_signal(signal.SIGQUIT)
            nginx.wait(timeout=60)
        with ThreadPoolExecutor(self.processes) as threads:
            list(threads.map(Server.stop, self.servers))
        if self.postgres and getattr(self, "_owns_postgres", False):
            self.postgres.remove()


def main() -> None:
    # Whoever tells it to stop, also before it is ready, ends it as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    processes, port = (
        int(os.environ.get(name, n)) for name, n in (("PROCESSES", 2), ("PORT", 8000))
    )
    with tempfile.TemporaryDirectory(prefix="nasro-chat-") as folder:
        print(f"Starting PostgreSQL, {processes} processes and nginx ...", flush=True)
        topology = Topology(Path(folder), processes=processes, port=port)
        try:
            topology.start()
            ports = ", ".join(str(server.port) for server in topology.servers)
            print(f"The processes listen on {ports}; their logs are in {folder}.")
            print(f"The assistant is ready: http://localhost:{port}  (Ctrl-C ends it)", flush=True)
            signal.pause()
        except RuntimeError as error:
            sys.exit(f"Error: {error}")
        except KeyboardInterrupt:
            print("Ending ...", flush=True)
        finally:
            topology.stop()


if __name__ == "__main__":
    main()
