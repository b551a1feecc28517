"""The peer datatrove: its LocalPipelineExecutor with two tasks on two workers. Arguments as peer_datasets.py's.

Prints one JSON object with the seconds of the whole pipeline, which reads, cleans and writes document by document.
"""

import json
import sys
import time
from pathlib import Path

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.formatters.base import BaseFormatter
from datatrove.pipeline.readers import ParquetReader
from datatrove.pipeline.writers import ParquetWriter
from operations import clean

TASKS = 2


class Clean(BaseFormatter):
    """The named operations, as datatrove's formatters are written."""

    name = "clean"

    def __init__(self, names: list[str]) -> None:
        super().__init__()
        self.names = names

    def format(self, text: str) -> str:
        return clean(text, self.names)


def main() -> None:
    """Run the pipeline, timed."""
    shards, out, names = sys.argv[1], Path(sys.argv[2]), sys.argv[3].split(",")
    pipeline = [ParquetReader(shards, glob_pattern="*.parquet"), Clean(names), ParquetWriter(str(out))]
    executor = LocalPipelineExecutor(pipeline, tasks=TASKS, workers=TASKS, logging_dir=str(out / "logs"))
    started = time.perf_counter()
    executor.run()
    print(json.dumps({"whole": time.perf_counter() - started}))


if __name__ == "__main__":
    main()
