"""Helpers of the readers' tests."""

import pytest

from ecom_llm.collect.files import read_rows


@pytest.fixture
def read(tmp_path):
    """Write a file of that name, and read its rows."""

    def reader(name, data):
        path = tmp_path / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return list(read_rows(path))

    return reader
