"""`nasro-chat serve` when it can't: one clear line at the end, and an exit code that says so."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bot.nlu.encoder import WEIGHTS_PACKAGE
from tests.running_server import ROOT, Server, free_port


def serve(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    server = Server(folder=folder, port=free_port(), extra_environment=environment)
    return subprocess.run(
        [str(Path(sys.executable).with_name("nasro-chat")), "serve"],
        cwd=ROOT,
        env=server.environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_taken_port_is_said_before_the_model_is_loaded(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])

        # The model could not be loaded: that would be said if it were tried.
        done = serve(tmp_path, PORT=port, PYTHONPATH=changed_weights(tmp_path))

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last == f"Error: Port {port} is in use: choose another with PORT=..., like PORT=8001."


def test_an_address_of_another_machine_is_named(tmp_path: Path) -> None:
    mail = {"NASRO_SMTP_URL": "smtp://localhost", "NASRO_MAIL_FROM": "a@example.org"}
    done = serve(tmp_path, NASRO_HOST="192.0.2.1", **mail)

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "Error: The server can't listen on 192.0.2.1, port" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("NASRO_SECRET", "short"),
        ("NASRO_ALLOWED_ORIGINS", "https://nasro.org/"),
        ("NASRO_REGISTRATION_URL", "registration.sqlite"),
        ("NASRO_CONVERSATIONS_URL", "mysql://nasro:password@localhost/conversations"),
    ],
)
def test_a_setting_that_can_not_be_used_is_one_line(
    tmp_path: Path, variable: str, value: str
) -> None:
    done = serve(tmp_path, **{variable: value})

    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"Error: {variable}")
    assert "password" not in line


def test_changed_weights_are_named_with_the_remedy(tmp_path: Path) -> None:
    done = serve(tmp_path, PYTHONPATH=changed_weights(tmp_path))

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("Error: The sentence encoder can't be used:")
    assert "make install" in last


def changed_weights(folder: Path) -> str:
    """A path for Python on which a package of other weights comes first."""
    package = folder / WEIGHTS_PACKAGE
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "model.onnx").write_bytes(b"other weights")
    return os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
