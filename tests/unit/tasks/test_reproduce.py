"""One stage as a subprocess: its words, its bars, its errors, and its end when the run is interrupted."""

import os
import signal
import threading
import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ecom_llm.params import load_params
from ecom_llm.records import UserError
from tasks import reproduce
from tasks.dvc import StageError
from tasks.holds import end_group, members
from tasks.reproduce import Transcript, explain, pieces, run_stage
from tasks.workspace import open_workspace


def with_command(project, command: str) -> None:
    """Replace what the first stage does."""
    path = project / "dvc.yaml"
    stages = yaml.safe_load(path.read_text())
    stages["stages"]["collect"]["cmd"] = command
    path.write_text(yaml.safe_dump(stages))


def run_in(project, said: list[str]) -> None:
    with open_workspace(load_params(project / "params.yaml"), project) as workspace:
        run_stage("collect", workspace, said.append)


def test_lines_are_passed_on_without_dvc_s_advice(project):
    said = []
    run_in(project, said)
    assert "collecting" in said
    assert not [line for line in said if "git add" in line or "autostage" in line or not line.strip()]


def test_a_stage_s_own_error_becomes_the_message(project):
    with_command(project, "echo 'error: data/x.csv:3: stars: found 9, expected 1 to 5' >&2; exit 2")
    with pytest.raises(UserError) as caught:
        run_in(project, [])
    assert str(caught.value) == "data/x.csv:3: stars: found 9, expected 1 to 5"


def test_any_other_failure_shows_the_last_lines(project):
    with_command(project, "echo before the end; exit 7")
    with pytest.raises(StageError, match=r"collect: failed with exit code(.|\n)*before the end"):
        run_in(project, [])


def test_the_workspace_s_code_and_interpreter_come_first(project):
    (project / "ecom_llm").mkdir()
    (project / "ecom_llm" / "__init__.py").write_text("HERE = True\n")
    with_command(
        project, "python -c 'import ecom_llm, os; print(ecom_llm.__file__, os.environ[\"ECOM_LLM_STATE\"])'; exit 3"
    )
    said = []
    with pytest.raises(StageError):
        run_in(project, said)
    [line] = [line for line in said if "__init__.py" in line and not line.startswith(">")]
    code, state = line.split()
    assert code.startswith(str(project / ".state" / "worktrees"))
    assert state == str(project / ".state")


class Cancelled(BaseException):
    """As Prefect's TerminationSignal: no Exception."""


def test_an_interruption_ends_the_whole_process_group(project, monkeypatch):
    # a child that ignores SIGTERM has to be killed, so the group's grace is what the test takes
    ended, groups = [], []
    monkeypatch.setattr(reproduce, "end_group", lambda group: ended.append(group) or end_group(group, grace=1.0))
    with_command(project, "trap '' TERM; echo up; sleep 300 & sleep 300")

    def interrupt(number, frame):
        raise Cancelled

    previous = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with pytest.raises(Cancelled), open_workspace(load_params(project / "params.yaml"), project) as workspace:

            def hear(line: str) -> None:
                if line == "up":
                    groups.append(workspace.run.group())
                    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGUSR1)).start()

            run_stage("collect", workspace, hear)
    finally:
        signal.signal(signal.SIGUSR1, previous)
    assert groups == ended
    assert members(groups[0]) == []
    assert not workspace.path.exists()


def test_bars_reach_a_terminal_but_rarely_a_log(capsys, monkeypatch):
    said = []
    quiet = Transcript(said.append, terminal=False)
    for percent in range(100):
        quiet.progress(f" {percent}%")
    assert said == ["0%"]
    monkeypatch.setattr(quiet, "shown", time.monotonic() - reproduce.PAUSE - 1)
    quiet.progress("99%")
    assert said == ["0%", "99%"]
    Transcript(said.append, terminal=True).progress("50%")
    assert capsys.readouterr().err == "\r\033[K50%"
    assert said == ["0%", "99%"]


@given(
    st.lists(st.tuples(st.text("aé表 ", max_size=6), st.sampled_from(["\n", "\r"])), max_size=8),
    st.text("aé", max_size=5),
)
def test_pieces_are_cut_at_line_ends_and_nothing_is_lost(parts, rest):
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb") as out:
        out.write("".join(text + end for text, end in parts).encode() + rest.encode())
    with os.fdopen(reader, "rb") as stream:
        found = list(pieces(stream))
    # a carriage return before a line feed belongs to it, as in a file from Windows
    expected = "".join(text + end for text, end in parts).replace("\r\n", "\n") + rest
    assert "".join(text + ("\n" if whole else "\r") for text, whole in found).rstrip("\n") == expected.rstrip("\n")


def test_an_error_among_the_last_lines_wins_over_dvc_s_own():
    tail = ["Traceback", "error: too few rows", "ERROR: failed to reproduce 'collect': exited with 255"]
    assert str(explain("collect", 255, tail)) == "too few rows"
    assert "failed to reproduce" in str(explain("collect", 255, tail[-1:]))
    assert "it said nothing" in str(explain("collect", 255, []))
