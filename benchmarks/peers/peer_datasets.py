"""The peer `datasets.map`: two processes, batched. Arguments: folder of shards, new folder, operations joined by commas.

Prints one JSON object with the seconds of loading Parquet, of `map` alone, and of writing Parquet.
"""

import json
import os
import sys
import time
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
import datasets
from operations import clean

PROCESSES = 2


def main() -> None:
    """Load, map and write, each timed."""
    shards, out, names = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3].split(",")
    datasets.disable_progress_bars()
    started = time.perf_counter()
    files = sorted(map(str, shards.glob("*.parquet")))
    data = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(out / "cache"))
    loaded = time.perf_counter()
    mapped = data.map(
        lambda batch: {"text": [clean(text, names) for text in batch["text"]]}, batched=True, num_proc=PROCESSES
    )
    done = time.perf_counter()
    mapped.to_parquet(str(out / "cleaned.parquet"))
    written = time.perf_counter()
    print(json.dumps({"read": loaded - started, "map": done - loaded, "write": written - done}))


if __name__ == "__main__":
    main()
