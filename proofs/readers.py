"""A fuzzer of the file readers: `python -m proofs.readers N [SEED]` tries N spoilt files and demands a clear end of each.

Right is: rows, Faults, or a UserError, within `SECONDS` and `MEMORY`; with nothing lost where the number of rows is known.
Wrong is any other exception, a process that dies, a hang, or more memory. The files are read in a process of its own
(`--serve`), told one case a line, so that what kills or hangs it is one failure and not the end of the proof.
"""

import json
import os
import resource
import select
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import NamedTuple

from ecom_llm.collect.files import Fault, read_lines, read_rows, shape_of
from ecom_llm.records import UserError
from proofs.reader_attacks import ATTACKS
from proofs.reader_case import Case, described

SECONDS = 30
"""CPU seconds for one file; the largest hold a hundred MB. """
HANG = 4 * SECONDS
"""Seconds by the clock, writing the file included, after which it is taken for a hang; other work may have the cores."""
MEMORY = 768
"""MiB of resident memory at the peak, of the reading process or a spreadsheet's."""
ADDRESS_SPACE = 6 << 30
"""Bytes of address space of the reading process, so that what asks for more fails here and not on the machine."""

THOROUGH = 10_000
"""Rows of a file that are spelt as JSON to see that they are plain; of the others only the type is looked at."""


class Outcome(NamedTuple):
    """How the reading of one file ended."""

    attack: str
    index: int
    failure: str
    """Empty where the end was a right one."""
    refused: bool
    rows: int
    faults: int
    seconds: float
    peak: float
    """MiB."""


def main(arguments: list[str]) -> int:
    """Run the proof; 0 where nothing failed."""
    if arguments == ["--serve"]:
        serve()
        return 0
    if not arguments or not all(argument.isdigit() for argument in arguments):
        print("usage: python -m proofs.readers N [SEED]")
        return 2
    seed = int(arguments[1]) if len(arguments) > 1 else int(time.time())
    print(f"seed {seed}")
    outcomes = list(prove(int(arguments[0]), seed))
    print(table(outcomes))
    failed = [outcome for outcome in outcomes if outcome.failure]
    for outcome in failed[:20]:
        print(f"FAILED {outcome.attack} {outcome.index}: {outcome.failure}")
    print(f"PROOF readers tried={len(outcomes)} failed={len(failed)}")
    return 1 if failed else 0


def cases(count: int) -> list[tuple[str, int]]:
    """(attack, index) of `count` cases: each attack once, then in turn by their weights."""
    turn = [name for name, (_, weight) in ATTACKS.items() for _ in range(weight)]
    Random(0).shuffle(turn)
    order = [*ATTACKS, *(turn * (count // len(turn) + 1))][:count]
    seen: Counter[str] = Counter()
    found = []
    for name in order:
        found.append((name, seen[name]))
        seen[name] += 1
    return found


def prove(count: int, seed: int) -> Iterator[Outcome]:
    """Try `count` cases, in a process that is started anew whenever a case ended it."""
    left = cases(count)
    while left:
        with server() as process:
            while left:
                name, index = left.pop(0)
                outcome = asked(process, name, index, seed)
                yield outcome
                if process.poll() is not None or outcome.seconds >= HANG:
                    break


@contextmanager
def server() -> Iterator[subprocess.Popen[str]]:
    """A process that reads files; what it leaves behind, should it be killed, goes with its folder."""
    with tempfile.TemporaryDirectory(prefix="readers-") as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "proofs.readers", "--serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": folder},
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait(SECONDS)
            with suppress(BrokenPipeError):  # what was not yet written to a process that is no more
                process.stdin.close()
            process.stdout.close()


def asked(process: "subprocess.Popen[str]", name: str, index: int, seed: int) -> Outcome:
    """Have one case tried; a process that does not answer, or is no more, is its failure."""
    with suppress(BrokenPipeError):  # the process is no more, and the end of its output tells so
        process.stdin.write(json.dumps([name, index, seed]) + "\n")
        process.stdin.flush()
    ready, _, _ = select.select([process.stdout], [], [], HANG)
    answer = process.stdout.readline() if ready else ""
    if answer.endswith("\n"):
        return Outcome(*json.loads(answer))
    if ready:
        return Outcome(name, index, f"the process ended with {process.wait(SECONDS)}", False, 0, 0, 0.0, 0.0)
    return Outcome(name, index, f"no end within {HANG} s", False, 0, 0, float(HANG), 0.0)


def serve() -> None:
    """Try the cases that come on stdin, one a line, and tell the outcome of each on stdout."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    for line in sys.stdin:
        name, index, seed = json.loads(line)
        folder = Path(tempfile.mkdtemp(prefix="readers-"))
        try:
            case = ATTACKS[name][0](Random(f"{seed}:{name}:{index}"), folder)
            forget_writing()
            print(json.dumps(attempt(name, index, case)), flush=True)
        finally:
            shutil.rmtree(folder)


def attempt(name: str, index: int, case: Case) -> Outcome:
    """Read a spoilt file in every way there is."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    forget_peak()
    started = time.process_time()
    rows = faults = 0
    refused, failure = False, ""
    try:
        refused, rows, faults = read(case.path)
        failure = judge(case, refused, rows, faults)
    # This is the one place where any exception is what is looked for
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        failure = "".join(traceback.format_exception(error))[-1500:]
    seconds, peak = time.process_time() - started, peak_memory(children)
    if not failure and seconds > SECONDS:
        failure = f"took {seconds:.1f} s"
    if not failure and peak > MEMORY:
        failure = f"took {peak:.0f} MiB"
    return Outcome(name, index, f"{failure} {described(case)}" if failure else "", refused, rows, faults, seconds, peak)


def read(path: Path) -> tuple[bool, int, int]:
    """Whether the rows were refused at some point, and how many rows and Faults there were; lines and shape are read too."""
    for other in (shape_of, count_lines):
        try:
            other(path)
        except UserError as error:
            check_message(error, path)
    rows = faults = last = 0
    try:
        for number, item in read_rows(path):
            assert number >= max(1, last), f"row {number} behind row {last}"
            last = number
            faults += checked(item, thoroughly=rows < THOROUGH)
            rows += not isinstance(item, Fault)
    except UserError as error:
        check_message(error, path)
        return True, rows, faults
    return False, rows, faults


def count_lines(path: Path) -> int:
    """How many of a file's lines are Faults."""
    return sum(checked(item, thoroughly=place < THOROUGH) for place, (_, item) in enumerate(read_lines(path)))


def checked(item: object, thoroughly: bool) -> bool:
    """Whether a row or line is a Fault; either way it must be what its type promises."""
    if isinstance(item, str | dict) and thoroughly:
        json.dumps(item, ensure_ascii=False).encode("utf-8")
    elif isinstance(item, Fault):
        item.content.encode("utf-8")
        assert item.reason, "a Fault without a reason"
        assert len(item.content) < 3000, "a Fault that shows too much"
    return isinstance(item, Fault)


def check_message(error: UserError, path: Path) -> None:
    """A refusal is a sentence that names the file."""
    told = str(error)
    assert path.name in told, f"does not name the file: {told}"
    assert 20 < len(told) < 2000, f"too short or too long: {told}"


def judge(case: Case, refused: bool, rows: int, faults: int) -> str:
    """What is wrong with a reading that ended; empty where nothing is."""
    if case.must == "refuse" and not refused:
        return f"was read ({rows} rows, {faults} Faults), expected a UserError"
    if case.must == "read" and refused:
        return "was refused, expected rows and Faults"
    if case.count is not None and rows + faults != case.count:
        return f"{rows} rows and {faults} Faults, expected {case.count} together"
    if case.faults is not None and faults != case.faults:
        return f"{faults} Faults, expected {case.faults}"
    return ""


def forget_writing() -> None:
    """Give back what writing the file took, gigabytes for some: pyarrow keeps it for a while, as if reading had taken it."""
    if "pyarrow" in sys.modules:
        sys.modules["pyarrow"].default_memory_pool().release_unused()


def forget_peak() -> None:
    """Let the kernel measure the peak of resident memory anew (Linux); elsewhere the peak of the whole process counts."""
    control = Path("/proc/self/clear_refs")
    if control.exists():
        control.write_text("5")


def peak_memory(children: int) -> float:
    """MiB of resident memory at the peak: of this process, or of a spreadsheet's that took more than any before (KiB)."""
    status = Path("/proc/self/status")
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if status.exists():
        own = next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return max(own, largest if largest > children else 0) / 1024


def table(outcomes: list[Outcome]) -> str:
    """Per attack: how many were tried, refused and failed, and the worst time and memory."""
    lines = [
        f"{'attack':<16} {'tried':>6} {'refused':>7} {'rows':>9} {'faults':>7} {'s max':>6} {'MiB max':>7} {'failed':>6}"
    ]
    for name in ATTACKS:
        of = [outcome for outcome in outcomes if outcome.attack == name]
        if of:
            lines.append(
                f"{name:<16} {len(of):>6} {sum(o.refused for o in of):>7} {sum(o.rows for o in of):>9} "
                f"{sum(o.faults for o in of):>7} {max(o.seconds for o in of):>6.2f} {max(o.peak for o in of):>7.0f} "
                f"{sum(bool(o.failure) for o in of):>6}"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
