"""What is wrong with a cluster is said in one line, soon, and before any unit is run; no cluster is started here."""

from __future__ import annotations

import socket
import sys
import threading
import time
from pathlib import Path

import pytest

from dynsparse.errors import ExecutorError, SettingError
from dynsparse.executor import RayExecutor, UnitStore, run_units
from dynsparse.executor.node_report import differences, fingerprint, node_report, source_hash
from dynsparse.executor.ray_cluster import cluster_address, probe
from dynsparse.executor.variables import chosen_variables, unit_variables

from .conftest import TRUSTED, toy


@pytest.fixture
def listener():
    """Return what listens at a port of this machine and answers every connection with some bytes, or never."""
    servers = []

    def listen(reply: bytes | None) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def serve():
            connections = []
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    break
                connections.append(connection)
                if reply is not None:
                    connection.recv(100)
                    connection.sendall(reply)
                    connection.close()
            for connection in connections:
                connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        servers.append(thread)
        return f"127.0.0.1:{server.getsockname()[1]}"

    yield listen
    for server, thread in zip(servers[::2], servers[1::2], strict=True):
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


def test_address_where_nobody_listens_is_an_error_at_once(tmp_path):
    address = closed_port()
    began = time.monotonic()
    with pytest.raises(ExecutorError) as caught:
        run_units([toy("square", n=1)], UnitStore(tmp_path / "units"), RayExecutor(address, trusted=TRUSTED))
    assert time.monotonic() - began < 5
    text = str(caught.value)
    assert text.startswith(
        f"expected a Ray cluster at {address}, got: Connection refused; start one there by ray start"
    )
    assert "\n" not in text


def test_address_where_something_is_silent_is_an_error_in_time(listener):
    address = listener(None)
    began = time.monotonic()
    with pytest.raises(ExecutorError, match=f"expected a Ray cluster at {address}, got: timed out"):
        probe(address, 0.5)
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("reply", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", b"short"], ids=["web", "closed", "short"])
def test_address_where_something_else_answers_is_an_error(listener, reply):
    with pytest.raises(ExecutorError, match=r"something else answers there|Connection reset"):
        probe(listener(reply), 2.0)


def test_server_that_speaks_http2_passes(listener):
    probe(listener(bytes([0, 0, 6, 4, 0, 0, 0, 0, 0]) + b"123456"), 2.0)


def test_host_that_no_host_can_be_called_is_an_error():
    with pytest.raises(ExecutorError, match="expected a Ray cluster at xxx"):
        probe(f"{'x' * 70}:6379", 2.0)  # too long for a name, so that nobody is asked


@pytest.mark.parametrize("address", ["head", "head:", ":6379", "ray://head:10001", "head:0", "head:65536", "head:x"])
def test_address_of_another_form_is_refused(address):
    with pytest.raises(SettingError, match="HOST:PORT"):
        RayExecutor(address)


def test_address_comes_from_the_call_the_variable_or_the_usual_place(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert cluster_address(None) == "127.0.0.1:6379"
    monkeypatch.setenv("RAY_ADDRESS", "head:7000")
    assert cluster_address(None) == "head:7000"
    assert cluster_address("10.0.0.1:6379") == "10.0.0.1:6379"
    assert cluster_address("[::1]:6379") == "[::1]:6379"


def test_missing_ray_is_an_error_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ExecutorError, match=r'pip install "dynsparse\[ray\]"'):
        RayExecutor(trusted=TRUSTED)


def test_untrusted_function_is_refused_before_anything_is_looked_for():
    with pytest.raises(SettingError, match="inside dynsparse"):
        list(RayExecutor(closed_port()).run([toy("square", n=1)], Path(), lambda event: None))


# --- reports of nodes, without nodes ----------------------------------------------------------------------------


@pytest.fixture
def report(tmp_path):
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / "zarr.json").write_text("{}")
    (tmp_path / "token").write_text("nonce")
    return node_report(str(tmp_path / "token"), [str(tmp_path / "dataset")], ["HOME"])


def test_equal_reports_have_no_difference(report):
    assert differences(report, report) == []
    assert report["token"] == "nonce" and "HOME" in report["variables"]


@pytest.mark.parametrize(
    ("part", "name", "value", "told"),
    [
        ("versions", "jax", "0.0.1", "it has jax 0.0.1, here it is "),
        ("versions", "optax", None, "it has optax None, here it is "),
        ("variables", "JAX_ENABLE_X64", "1", "it has JAX_ENABLE_X64='1', here it is None"),
    ],
)
def test_difference_is_told_with_both_values(report, part, name, value, told):
    (found,) = differences(report, {**report, part: {**report[part], name: value}})
    assert found.startswith(told)


def test_other_sources_are_told_though_the_version_is_the_same(report):
    assert "other sources" in differences(report, {**report, "source": "0" * 64})[0]
    assert source_hash() == report["source"]


def test_token_that_can_not_be_read_is_told(report, tmp_path):
    (tmp_path / "token").unlink()
    found = node_report(str(tmp_path / "token"), list(report["paths"]), ["HOME"])
    assert differences(report, found) == [
        "it does not share the output folder (can not read token: No such file or directory)"
    ]


def test_fingerprint_tells_folders_and_files_apart(tmp_path):
    folder = tmp_path / "data"
    assert fingerprint(folder) == "can not read it: No such file or directory"
    folder.mkdir()
    prints = [fingerprint(folder)]
    (folder / "zarr.json").write_text("{}")
    prints.append(fingerprint(folder))
    (folder / "zarr.json").write_text("[]")
    prints += [fingerprint(folder), fingerprint(folder / "zarr.json")]
    (folder / "c").mkdir()
    prints.append(fingerprint(folder))
    assert len(set(prints)) == 5
    assert fingerprint(folder) == prints[-1]


def test_variables_that_decide_numbers_are_told_and_others_not(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "")
    environment = {"JAX_ENABLE_X64": "1", "JAX_COMPILATION_CACHE_DIR": "x", "XLA_FLAGS": "--a", "PATH": "p"}
    assert chosen_variables(environment) == {"JAX_ENABLE_X64": "1", "XLA_FLAGS": "--a"}
    assert set(unit_variables()) == {
        *("XLA_FLAGS", "JAX_PLATFORMS", "NPROC", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    }
