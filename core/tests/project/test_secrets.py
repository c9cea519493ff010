"""Secrets are read where they are referred to, and shown nowhere."""

from __future__ import annotations

import copy
import pickle
import sys
from pathlib import Path

import pytest

from multiroute_core.project import ProjectError, Secret, SecretRef, resolve_secret

CANARY = "sk-CANARY-7f3a"


def resolve(tmp_path: Path, environ: dict[str, str] | None = None, **ref: object) -> str:
    reference = SecretRef.model_validate(ref)
    return resolve_secret(reference, environ or {}, tmp_path, where="multiroute.toml:7").reveal()


def message(tmp_path: Path, environ: dict[str, str] | None = None, **ref: object) -> str:
    with pytest.raises(ProjectError) as caught:
        resolve(tmp_path, environ, **ref)
    error: BaseException | None = caught.value
    while error is not None:  # nothing is chained that holds it, either
        assert "CANARY" not in f"{error}{error!r}{vars(error)}"
        error = error.__cause__ or error.__context__
    return str(caught.value)


def test_from_the_environment(tmp_path: Path):
    assert resolve(tmp_path, {"ACME_KEY": CANARY}, env="ACME_KEY") == CANARY
    assert message(tmp_path, env="ACME_KEY") == (
        "multiroute.toml:7: the environment variable 'ACME_KEY' is not set "
        "(set it before the start)"
    )
    assert "'ACME_KEY' is empty" in message(tmp_path, {"ACME_KEY": " "}, env="ACME_KEY")


@pytest.mark.parametrize("pasted", ["gsk_CANARYabc", "CANARY7F3A9B2C4D5E6F"])
def test_a_secret_pasted_as_a_variables_name_is_not_repeated(pasted: str, tmp_path: Path):
    text = message(tmp_path, env=pasted)
    assert text.startswith("multiroute.toml:7: the environment variable named here is not set")


def test_from_a_file_relative_to_the_projects_folder(tmp_path: Path):
    (tmp_path / "key").write_bytes(f"{CANARY}\r\n".encode())
    assert resolve(tmp_path, file="key") == CANARY
    assert resolve(Path("/"), file=str(tmp_path / "key")) == CANARY
    assert "multiroute.toml:7: the secret file" in message(tmp_path, file="gone")
    (tmp_path / "key").write_text("\n")
    assert "the secret file gave nothing" in message(tmp_path, file="key")
    (tmp_path / "key").write_bytes(CANARY.encode() + b"\xff")
    assert "did not give UTF-8 text" in message(tmp_path, file="key")
    (tmp_path / "key").write_text(CANARY * 10_000)
    assert "more than 65536 bytes" in message(tmp_path, file="key")


def test_from_a_command_without_a_shell(tmp_path: Path):
    code = f"import os; print('{CANARY} $HOME', os.environ.get('A'), os.getcwd())"
    out = resolve(tmp_path, {"A": "1"}, cmd=[sys.executable, "-c", code])
    assert out == f"{CANARY} $HOME 1 {tmp_path.resolve()}"
    (tmp_path / "print.py").write_text("print('x y')")
    assert resolve(tmp_path, cmd=f"'{sys.executable}' print.py") == "x y"


def test_a_failed_command_is_told_without_its_output(tmp_path: Path):
    def run(code: str) -> str:
        noise = f"import sys; print('{CANARY}', flush=True); sys.stderr.write('{CANARY}');"
        return message(tmp_path, cmd=[sys.executable, "-c", noise + code])

    assert "ended with code 3" in run("sys.exit(3)")
    assert "cannot be run: No such file" in message(tmp_path, cmd=["no-such-program"])


def test_a_command_that_hangs_is_stopped(tmp_path: Path):
    code = f"import signal; print('{CANARY}', flush=True); signal.pause()"
    reference = SecretRef.model_validate({"cmd": [sys.executable, "-c", code]})
    with pytest.raises(ProjectError, match=r"took longer than 0\.5 s") as caught:
        resolve_secret(reference, {}, tmp_path, where="f:1", timeout_s=0.5)
    assert caught.value.__context__ is None


def test_a_secret_hides_its_value():
    secret = Secret(CANARY)
    assert secret.reveal() == CANARY
    assert "CANARY" not in f"{secret}{secret!r}{[secret]}"
    assert secret == Secret(CANARY) != Secret("other")
    assert len({secret, Secret(CANARY)}) == 1
    for leak in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError):
            leak(secret)
