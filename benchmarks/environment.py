"""The peers' environments: a virtual environment per list of requirements, beside nothing of ours."""

import subprocess
import venv
from pathlib import Path


def environment(folder: Path, requirements: Path) -> Path:
    """The Python of the environment in `folder`, made when it is not there or when its requirements have changed."""
    wanted = requirements.read_text(encoding="utf-8")
    known = folder / "installed.txt"
    python = folder / "bin" / "python"
    if not known.exists() or known.read_text(encoding="utf-8") != wanted:
        print(f"installing the peers into {folder} (once)", flush=True)
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "-r", str(requirements)], check=True)
        known.write_text(wanted, encoding="utf-8")
    return python
