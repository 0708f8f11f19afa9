"""Several processes behind nginx, as `deploy/` describes them: really running, and killed."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from click.testing import CliRunner

from bench.scale import under_kills
from bot.cli import main
from bot.settings import VARIABLES
from deploy.scale_up import Topology, nginx
from tests.conversations.chat import Person
from tests.running_server import ROOT, free_port, wait_until
from tests.services.postgres import PostgresServer

DEPLOY = ROOT / "deploy"

needs_nginx = pytest.mark.skipif(nginx() is None, reason="nginx isn't installed")


@pytest.fixture(scope="module")
def topology(
    postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Topology]:
    topology = Topology(tmp_path_factory.mktemp("topology"), processes=2, postgres=postgres)
    try:
        topology.start()
        yield topology
    finally:
        topology.stop()


@needs_nginx
async def test_no_acknowledged_turn_is_lost_doubled_or_out_of_order(topology: Topology) -> None:
    report = await under_kills(topology, turns=300, people=8, length=10, kill_every=1.5, kills=1)

    assert report.wrong == []
    assert (report.kills, report.turns) == (1, 300)


@needs_nginx
def test_a_conversation_goes_on_in_any_process(topology: Topology) -> None:
    person = Person(topology.url)
    person.say("show me upcoming classes")

    for server in topology.servers * 2:
        Person(server.url, token=person.token).say("can I hold a spot?")

    history = person.http.get("/messages", headers=person.headers).json()["messages"]
    assert len([message for message in history if message["from"] == "user"]) == 5


@needs_nginx
def test_limits_are_counted_over_all_processes(topology: Topology) -> None:
    began = time.monotonic()
    with httpx.Client(base_url=f"{topology.url}/api/chat/v1") as http:
        # What a client says of its own address is forgotten.
        opened = [
            http.post("/sessions", headers={"X-Forwarded-For": f"192.0.2.{n}"}) for n in range(50)
        ]
    allowed = 31 + 0.5 * (time.monotonic() - began) + 1

    made = [response for response in opened if response.status_code == 201]
    refused = [response for response in opened if response.status_code == 429]
    assert len(made) + len(refused) == len(opened)
    assert len(made) <= allowed
    for response in refused:
        assert response.json()["error"]["code"] == "rate_limited"
        assert int(response.headers["retry-after"]) >= 1


@needs_nginx
@pytest.mark.parametrize("path", ["/metrics", "/health/ready", "/dev/outbox"])
def test_what_is_for_operators_is_not_passed_on(topology: Topology, path: str) -> None:
    assert httpx.get(f"{topology.url}{path}").status_code == 404


@needs_nginx
def test_a_calendar_file_of_staffs_reaches_a_process(topology: Topology) -> None:
    answer = httpx.post(f"{topology.url}/staff/calendar/files", content=bytes(1_900_000))

    assert answer.status_code == 404, "the assistant's own word: it has no staff pages here"


@needs_nginx
def test_the_images_health_check_tells_a_server_from_none(topology: Topology) -> None:
    _, *arguments = json.loads(dockerfile()["HEALTHCHECK"].rpartition("CMD ")[2])

    def is_healthy(port: int) -> bool:
        asked = [argument.replace(":8000/", f":{port}/") for argument in arguments]
        assert asked != arguments
        done = subprocess.run([sys.executable, *asked], capture_output=True, check=False)
        return done.returncode == 0

    assert is_healthy(topology.servers[0].port)
    assert not is_healthy(free_port())


@needs_nginx
def test_without_a_process_the_answer_is_the_apis(topology: Topology) -> None:
    for server in topology.servers:
        server.stop()

    response = httpx.get(f"{topology.url}/api/chat/v1/messages")

    assert response.status_code == 503
    assert response.json()["error"]["code"] == "temporarily_unavailable"
    assert response.headers["retry-after"] == "2"
    assert response.headers["access-control-allow-origin"] == "*"


@needs_nginx
def test_the_command_serves_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    port, printed = free_port(), tmp_path / "printed"
    with printed.open("wb") as output:
        command = subprocess.Popen(
            [sys.executable, "-m", "deploy.scale_up"],
            cwd=ROOT,
            env={**os.environ, "PORT": str(port), "PROCESSES": "1"},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until(lambda: "is ready" in printed.read_text() or command.poll() is not None)
        assert command.poll() is None, printed.read_text()
        assert httpx.get(f"http://localhost:{port}").status_code == 200
        os.killpg(command.pid, signal.SIGINT)
        assert command.wait(timeout=60) == 0, printed.read_text()
    finally:
        if command.poll() is None:
            os.killpg(command.pid, signal.SIGKILL)

    assert "Traceback" not in printed.read_text()
    found = re.search(r"their logs are in (\S+)\.$", printed.read_text(), re.MULTILINE)
    assert found
    assert not Path(found[1]).exists()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://localhost:{port}")


# What isn't run here is at least read by the programs that it is for -----------------------------------


@needs_nginx
def test_nginx_takes_the_site_as_it_is_shipped(tmp_path: Path) -> None:
    tls, prefix = tmp_path / "tls", tmp_path / "nginx"
    shutil.copytree(DEPLOY / "nginx/nasro-chat", prefix / "nasro-chat")
    tls.mkdir()
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-batch",
            "-keyout",
            "privkey.pem",
            "-out",
            "fullchain.pem",
        ],
        cwd=tls,
        check=True,
        capture_output=True,
    )
    site = (DEPLOY / "nginx/site.conf").read_text()
    site = site.replace("/etc/nasro-chat/tls", str(tls)).replace("/var/log/nginx", str(tmp_path))
    (prefix / "site.conf").write_text(site)
    (prefix / "nginx.conf").write_text("events {} http { include site.conf; } pid nginx.pid;")

    done = subprocess.run(
        [str(nginx()), "-t", "-p", str(prefix), "-c", "nginx.conf", "-e", "stderr"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr.replace('"user" directive', "")


@pytest.mark.skipif(
    not (shutil.which("systemd-analyze") and Path("/lib/systemd/system/sysinit.target").exists()),
    reason="systemd isn't installed",
)
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    shutil.copytree("/lib/systemd/system", tmp_path / "lib/systemd/system", symlinks=True)
    units = tmp_path / "etc/systemd/system"
    shutil.copytree(DEPLOY / "systemd", units)
    program = tmp_path / "opt/nasro-chat/.venv/bin/nasro-chat"
    program.parent.mkdir(parents=True)
    program.touch(0o755)
    names = [
        file.name.replace("@.", "@8001.") for file in units.iterdir() if file.suffix != ".wants"
    ]

    done = subprocess.run(
        ["systemd-analyze", "verify", f"--root={tmp_path}", "--man=no", *names],
        capture_output=True,
        text=True,
        check=False,
    )

    # A key that it doesn't know is a warning to it.
    assert (done.returncode, done.stderr) == (0, "")


def compose() -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def test_what_git_mustnt_know_is_in_no_image() -> None:
    kept_out = set((DEPLOY / "Dockerfile.dockerignore").read_text().split())

    secret = [line for line in (ROOT / ".gitignore").read_text().split() if "deploy/" in line]
    assert len(secret) == 2
    assert {path.rstrip("/") for path in secret} <= kept_out


def test_compose_names_what_is_there() -> None:
    services = compose()["services"]

    for service in services.values():
        assert set(service.get("depends_on", {})) <= set(services)
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            if source.startswith("./") and source != "./tls":
                assert (DEPLOY / source).exists(), source
    built = services["assistant"]["build"]
    assert (DEPLOY / built["context"] / built["dockerfile"]).is_file()
    processes = (DEPLOY / "nginx/processes.compose.conf").read_text()
    assert "server assistant:8000" in processes


def dockerfile() -> dict[str, str]:
    """Of each instruction the last."""
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", "")
    lines = (line.partition(" ") for line in text.splitlines() if re.match("[A-Z]+ ", line))
    return {name: value for name, _, value in lines}


def units() -> str:
    return "\n".join(file.read_text() for file in (DEPLOY / "systemd").iterdir())


def test_what_deploy_sets_is_what_settings_read() -> None:
    image = re.findall(r"(\w+)=", dockerfile()["ENV"])
    services = [name for service in compose()["services"].values() if "build" in service
                for name in service["environment"]]  # fmt: skip
    unit = re.findall(r"(\w+)=", " ".join(re.findall(r"^Environment=(.*)", units(), re.MULTILINE)))

    for names in (image, services, unit):
        assert "NASRO_HOST" in names
        assert set(names) <= set(VARIABLES)


def test_deploy_runs_commands_that_exist() -> None:
    commands = [json.loads(dockerfile()["CMD"])]
    commands += [
        s["command"] for s in compose()["services"].values() if "build" in s and "command" in s
    ]
    commands += [line.split() for line in re.findall(r"^Exec\w+=(.*)", units(), re.MULTILINE)]

    assert len(commands) == 6
    for program, *arguments in commands:
        assert program.removeprefix("/opt/nasro-chat/") == ".venv/bin/nasro-chat"
        # Whatever options there are have been read when help is given.
        done = CliRunner().invoke(main, [*arguments, "--help"])
        assert done.exit_code == 0, done.output


def test_the_image_copies_what_is_there_for_the_same_python() -> None:
    text = (DEPLOY / "Dockerfile").read_text()

    for sources in re.findall(r"^COPY (?!--)(.*) \S+$", text, re.MULTILINE):
        for source in sources.split():
            assert (ROOT / source).exists(), source
    assert set(re.findall(r"^FROM python:([\d.]+)-", text, re.MULTILINE)) == {
        (ROOT / ".python-version").read_text().strip()
    }


@pytest.mark.skipif(not shutil.which("docker-compose"), reason="docker-compose isn't installed")
def test_compose_takes_its_file(tmp_path: Path) -> None:
    copied = tmp_path / "deploy"
    shutil.copytree(DEPLOY, copied, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(copied / "environment.example", copied / "environment")

    done = subprocess.run(
        ["docker-compose", "--file", str(copied / "compose.yaml"), "config", "--quiet"],
        env={**os.environ, "POSTGRES_PASSWORD": "secret"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_the_example_of_the_environment_names_settings_and_no_secret() -> None:
    lines = (DEPLOY / "environment.example").read_text().splitlines()
    settings = dict(
        found.groups() for line in lines if (found := re.match(r"#?([A-Z_]+)=(.*)", line))
    )

    assert set(settings) <= set(VARIABLES)
    assert settings["NASRO_SECRET"] == ""
    for value in settings.values():
        assert not re.search(r"://\w+:(?!PASSWORD)", value)
