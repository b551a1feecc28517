"""progress: every row passes, and a log says now and then how far it is."""

import logging

from ecom_llm import progress
from ecom_llm.progress import line, watched


def test_rows_pass_and_a_log_line_has_rate_and_time_left(monkeypatch, caplog):
    clock = iter(range(0, 10_000, 7))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with caplog.at_level(logging.INFO):
        assert list(watched(iter(range(5000)), "prepare", 5000)) == list(range(5000))
    assert caplog.messages and caplog.messages[0].startswith("prepare: 2,000 of 5,000 rows, ")
    assert caplog.messages[0].endswith(" s left")


def test_without_a_total_there_is_a_rate_and_no_guess():
    assert line("collect", 1000, None, 2.0) == "collect: 1,000 rows, 500 rows/s"
    assert line("prepare", 1000, 3000, 2.0) == "prepare: 1,000 of 3,000 rows, 500 rows/s, 4 s left"
