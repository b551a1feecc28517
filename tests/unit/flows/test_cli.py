"""The command line as a user meets it: quick help, one clear sentence for each mistake, no work where nothing changed."""

import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ecom_llm.records import UserError
from ecom_llm.registry import Version, lock_key
from flows import checkout, cli
from flows.data import adding
from tasks.dvc import StageError

REPO = Path(__file__).parents[3]


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A checkout with one commit, entered, in an environment where the user has set nothing."""
    for name in [name for name in os.environ if name.startswith(("PREFECT_", "MLFLOW_", "ECOM_LLM_"))]:
        monkeypatch.delenv(name)
    for name in ("params.yaml", "dvc.yaml"):
        (tmp_path / name).write_bytes((REPO / name).read_bytes())
    shutil.copytree(REPO / ".dvc", tmp_path / ".dvc", ignore=shutil.ignore_patterns("tmp", "cache", "config.local"))
    (tmp_path / ".gitignore").write_text("/.state/\n")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "start"]):
        subprocess.run([*git, *command], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    before = dict(os.environ)
    yield tmp_path
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(autouse=True)
def same_signals():
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def failing(capsys, *arguments: str) -> tuple[int, str]:
    """Exit code and message of a command that fails: one `error:` on stderr, and nothing of a traceback."""
    with pytest.raises(SystemExit) as ended:
        cli.main(list(arguments))
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert "Traceback" not in said
    return ended.value.code, said


def took(code: str) -> tuple[float, str]:
    """Processor seconds of an interpreter that runs some code, the least of three, and what it printed. Not the clock's, which hang on
    who else is at work."""
    spent = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(spent), done.stdout


def test_help_is_quick_and_imports_nothing_heavy():
    heavy = ("torch", "transformers", "prefect", "mlflow", "dvc", "datasets", "optuna", "numpy", "pandas")
    seconds, printed = took(
        f"import sys; from flows.cli import app; app(['--help']); print([m for m in {heavy} if m in sys.modules])"
    )
    assert printed.endswith("[]\n")
    for command in (
        "run",
        "sweep",
        "add",
        "up",
        "status",
        "promote",
        "rollback",
        "verify",
        "write",
        "reconcile",
        "clean",
    ):
        assert f" {command} " in printed
    # A machine's seconds are its own: measured against the help of a program that has one command and one checked parameter.
    least, _ = took(
        "from cyclopts import App; from pydantic import BaseModel\n"
        "class Params(BaseModel): steps: int = 1\n"
        "app = App(help='One.', version='1'); app.command(lambda: None, name='run'); app(['--help'])"
    )
    assert seconds < 3 * least


@pytest.mark.parametrize(
    "command", ["run", "sweep", "add", "up", "status", "promote", "rollback", "verify", "write", "reconcile", "clean"]
)
def test_every_command_s_help_has_an_example(command, capsys):
    cli.app([command, "--help"])
    assert f"ecom-llm {command}" in capsys.readouterr().out.split("For example:")[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "--set", "train.max_stepz=5"], "train.max_stepz: no such parameter"),
        (["run", "--set", "train.max_steps=0"], "train.max_steps: Input should be greater than or equal to 1"),
        (["run", "--recipe", "recipes/none.yaml"], "recipes/none.yaml: there is no such recipe"),
        (["add", "nowhere.csv"], "nowhere.csv: there is no such file or folder to add"),
        (["add", "params.yaml/x"], "there is no such file"),
        (["up", "--prefect-port", "99999"], "a port is a number from 1 to 65535"),
        (["write", "describe", "--attr", "red"], "--attr red: expected name=value"),
        (["write", "describe", "--attr", "a=1", "--attr", "a=2"], "a was given twice"),
        (
            ["write", "poem"],
            "no skill is called 'poem'. There are: describe, advertise, review, answer, recommend, summarise.",
        ),
        (["write", "summarise"], "summarise: expected --attr product=ID"),
        (["write", "summarise", "--attr", "colour=red"], "found colour"),
        (
            ["write", "summarise", "--attr", "product=P1", "--locale", "de"],
            "reads reviews in en, zh, found locale 'de'",
        ),
        (
            ["write", "describe", "--attr", "a=1", "--set", "evaluate.decoding"],
            "--set evaluate.decoding: expected key=value",
        ),
        (["sweep"], "sweep.yaml: cannot be read"),
        (["sweep", "--set", "train.max_steps=0"], "train.max_steps: Input should be greater than or equal to 1"),
        (["dance"], "dance"),
        (["promote"], "version"),
        (["approve", "3"], "name"),
        (["approve", "3", "--name", " "], "an answer needs a name"),
        (["reject", "--name", "Ann"], "version"),
        (["rollback", "--to", ""], "--to is empty. Give the number of an earlier champion, or leave --to out"),
        (["rollback", "--to= "], "--to is empty."),
    ],
)
def test_mistakes_are_told_in_one_message(here, capsys, arguments, words):
    code, said = failing(capsys, *arguments)
    assert code == 2
    assert words.lower() in said.lower()
    assert not (here / "dvc.lock").exists()


def test_a_reader_that_has_seen_enough_is_no_fault():
    """As with `ecom-llm ... | head -1`: the pipe is closed before anything is written. (Rich answers for help.)"""
    say = "from flows import cli; cli.app = lambda *given, **options: print('words'); cli.main()"
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-c", say],
        cwd=REPO,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, "")


def test_outside_of_a_checkout(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert failing(capsys, "run") == (
        2,
        f"error: {tmp_path}: is not in a checkout of ecom-llm (no params.yaml and dvc.yaml from here upwards). cd into one.\n",
    )


def test_a_checkout_is_found_from_its_folders(here, monkeypatch, capsys):
    (here / "docs").mkdir()
    monkeypatch.chdir(here / "docs")
    assert "train.x: no such parameter" in failing(capsys, "run", "--set", "train.x=1")[1]


def test_without_a_repository_or_a_commit(here, capsys):
    shutil.rmtree(here / ".git")
    assert "is not a git repository" in failing(capsys, "run")[1]
    subprocess.run(["git", "init", "-q"], check=True)
    assert "has no commit yet" in failing(capsys, "run")[1]


@pytest.mark.parametrize("name", ["PREFECT_API_URL", "MLFLOW_TRACKING_URI"])
def test_a_server_that_does_not_answer_is_told_before_any_work(here, monkeypatch, capsys, name):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        monkeypatch.setenv(name, f"{url}/api" if name.startswith("PREFECT") else url)
        code, said = failing(capsys, "run")
    assert code == 2
    assert f"does not answer at {url}" in said
    assert name in said
    assert not (here / ".state" / "worktrees").exists()


@pytest.mark.parametrize(
    ("command", "name", "address", "shown"),
    [
        (
            "status",
            "MLFLOW_TRACKING_URI",
            "postgresql://shop:hunter2@127.0.0.1:{}/db",
            "postgresql://***@127.0.0.1:{}/db",
        ),
        ("status", "MLFLOW_TRACKING_URI", "http://shop:hunter2@127.0.0.1:{}", "http://***@127.0.0.1:{}"),
        ("status", "MLFLOW_TRACKING_URI", "nonsense://shop:hunter2@host", "nonsense://***@host"),
        ("run", "PREFECT_API_URL", "http://shop:hunter2@127.0.0.1:{}/api", "http://***@127.0.0.1:{}/api"),
    ],
)
def test_no_mistake_repeats_a_server_s_password(here, monkeypatch, capsys, command, name, address, shown):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        monkeypatch.setenv(name, address.format(port))
        code, said = failing(capsys, command)
    assert code == 2
    assert shown.format(port) in said
    assert "hunter2" not in said and "known" not in said, "the host's name is not shop:hunter2@127.0.0.1"


def test_a_state_folder_that_cannot_be_written(here, monkeypatch, capsys):
    (here / "full").write_text("a file")
    monkeypatch.setenv("ECOM_LLM_STATE", str(here / "full"))
    assert "full: cannot be written" in failing(capsys, "run")[1]


def test_a_malformed_params_file_is_named(here, capsys):
    (here / "params.yaml").write_text("train: [\n")
    assert "params.yaml: is not valid YAML" in failing(capsys, "run")[1]


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (UserError("mend it"), 2, "error: mend it\n"),
        (StageError("train: failed"), 1, "error: train: failed\n"),
        (OSError(28, "No space left on device", "/full"), 1, "error: /full: no space is left."),
        (PermissionError(13, "Permission denied", "/theirs"), 1, "error: /theirs: Permission denied."),
        (KeyboardInterrupt(), 130, "Stopped.\n"),
    ],
)
def test_each_kind_of_end_has_its_code_and_its_words(monkeypatch, capsys, error, code, words):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit) as ended:
        cli.main([])
    assert ended.value.code == code
    assert capsys.readouterr().err.startswith(words)


class KnownRegistry:
    """A registry that knows one settled lock."""

    def __init__(self, lock: str, champion: str | None, **tags: str):
        self.lock, self.tags = lock, tags
        self.numbers = {"champion": champion} if champion else {}

    def settled(self, lock, rules_key, promote):
        return Version(model_name="ecom-llm", number="3", run_id="r", tags=self.tags) if lock == self.lock else None

    def aliases(self):
        return self.numbers


@pytest.mark.parametrize(
    ("champion", "tags", "words"),
    [
        ("3", {"gate": "approved"}, "is champion"),
        ("2", {"gate": "refused"}, "was refused; champion is version 2"),
        (None, {"gate": "approved"}, "was approved; champion is nobody yet"),
        ("2", {"gate": "approved", "rolled_back": "true"}, "was rolled back; champion is version 2"),
        ("2", {"gate": "approved", "approval": "rejected"}, "was rejected by a person; champion is version 2"),
        (
            "2",
            {"gate": "approved", "approval": "awaited"},
            "awaits a person's approval (ecom-llm approve 3 --name YOUR-NAME, or reject); champion is version 2",
        ),
    ],
)
def test_nothing_changed_means_no_work(here, monkeypatch, capsys, champion, tags, words):
    (here / "dvc.lock").write_text("a lock\n")
    registry = KnownRegistry(lock_key(here / "dvc.lock"), champion, **tags)
    monkeypatch.setattr(checkout, "open_registry", lambda name, layout: registry)
    monkeypatch.setattr(checkout.dvc, "is_up_to_date", lambda folder: True)
    monkeypatch.setattr(cli, "require_servers", lambda *_: pytest.fail("this is work"))
    cli.main(["run"])
    assert capsys.readouterr().out == f"Nothing changed: ecom-llm version 3 {words}. Nothing to do.\n"


@pytest.mark.parametrize("change", ["stale", "unknown", "override"])
def test_a_change_means_work(here, monkeypatch, capsys, change):
    (here / "dvc.lock").write_text("a lock\n")
    registry = KnownRegistry("another" if change == "unknown" else lock_key(here / "dvc.lock"), "3")
    monkeypatch.setattr(checkout, "open_registry", lambda name, layout: registry)
    monkeypatch.setattr(checkout.dvc, "is_up_to_date", lambda folder: change != "stale")

    def work(*_):
        raise UserError("at work")

    monkeypatch.setattr(cli, "require_servers", work)
    assert failing(capsys, "run", *(["--set", "train.seed=2"] if change == "override" else [])) == (
        2,
        "error: at work\n",
    )


@pytest.mark.parametrize(("kept", "settled"), [("", False), ("2", False), ("2 3", True), ("2 3 4", True)])
def test_trainings_that_are_missing_mean_work(here, monkeypatch, capsys, kept, settled):
    """As after `ecom-llm promote`, which decided by the rules of today and trained nothing."""
    (here / "dvc.lock").write_text("a lock\n")
    values = (here / "params.yaml").read_text()
    (here / "params.yaml").write_text(values.replace("  trainings: 1 ", "  trainings: 3 "))
    registry = KnownRegistry(lock_key(here / "dvc.lock"), "3", gate="refused", trainings=kept)
    monkeypatch.setattr(checkout, "open_registry", lambda name, layout: registry)
    monkeypatch.setattr(checkout.dvc, "is_up_to_date", lambda folder: True)

    def work(*_):
        raise UserError("at work")

    monkeypatch.setattr(cli, "require_servers", work)
    if settled:
        cli.main(["run"])
        assert capsys.readouterr().out.startswith("Nothing changed: ")
    else:
        assert failing(capsys, "run") == (2, "error: at work\n")


def test_add_copies_and_versions_a_file_once(here, capsys):
    (here / "export").mkdir()
    (here / "export" / "products.csv").write_text("id,title\n1,x\n")
    cli.main(["add", "export/products.csv"])
    assert "data/sources/products.csv is added" in capsys.readouterr().out
    assert (here / "data" / "sources" / "products.csv").read_text() == "id,title\n1,x\n"
    assert (here / "data" / "sources" / "products.csv.dvc").exists()
    (here / "export" / "reviews.csv").write_text("product,stars,text\n1,5,fine\n")
    cli.main(["add", "export/products.csv", "export/reviews.csv"])
    told = capsys.readouterr().out
    assert "data/sources/products.csv is unchanged" in told and "data/sources/reviews.csv is added" in told


def test_add_leaves_nothing_half_written(here, monkeypatch, capsys):
    def refuse(*_, **__):
        raise UserError("dvc add failed: disk")

    (here / "rows.csv").write_text("x\n")
    monkeypatch.setattr(adding.dvc, "dvc", refuse)
    assert "dvc add failed" in failing(capsys, "add", "rows.csv")[1]
    assert list((here / "data" / "sources").iterdir()) == []
