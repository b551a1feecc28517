"""The engine: Daft's own on this machine, or Ray on several; the program is the same, and so are the bytes it writes."""

import importlib
import importlib.util
import logging
import os
import re
import socket
from pathlib import Path

import daft

import ecom_llm
from ecom_llm.params import Runtime
from ecom_llm.records import UserError

log = logging.getLogger(__name__)
QUIET = {"DAFT_PROGRESS_BAR": "0", "DAFT_ANALYTICS_ENABLED": "0"}
"""Set on every machine: bars of all of them would write over each other in one log."""
OWN = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0", "RAY_DISABLE_DASHBOARD": "1"}
"""Set here before Ray is imported: it reports on its use, and warns of changes to come, unless told otherwise. (The last is
read by Daft, which would ask for the dashboard's address by a name that Ray is giving up.)"""
ROW_GROUP = 1 << 20
"""Bytes that the writer of a bucket holds back. Daft's 128 MB for each of hundreds of buckets would be the whole corpus in
memory before one of them is full."""
PATIENCE = 10
"""Seconds for a cluster's head to answer."""


def start_engine(runtime: Runtime, folder: Path) -> None:
    """Make Daft run on what params say, for the rest of this process; `folder` must be seen by every machine.

    Raises:
        UserError: Ray is not installed, no cluster answers, or one of its machines cannot do the work.
    """
    daft.set_execution_config(parquet_target_row_group_size=ROW_GROUP)
    if runtime.engine == "ray":
        start_ray(runtime.ray_address)
        check_machines(folder)
    elif daft.get_or_infer_runner_type() != "native":
        # DAFT_RUNNER in a shell, or standing inside a Ray job, would choose for the user: params.yaml is the only place.
        daft.set_runner_native()


def start_ray(address: str) -> None:
    """Join the cluster at `address` (as `ray.init` takes it), or start one here where it is `local`.

    Raises:
        UserError: Ray is not installed, or nothing usable answers.
    """
    if importlib.util.find_spec("ray") is None:
        raise UserError(
            "runtime.engine is ray, but the package ray is not installed here. Install it (pip install 'ecom-llm[ray]'), or "
            "set runtime.engine to native."
        )
    for name, value in OWN.items():
        os.environ.setdefault(name, value)
    import ray  # an option that most shops leave out must cost them neither the install nor the seconds

    # The code goes along: a machine of the cluster may hold another checkout, and this run is a snapshot of one.
    shipped = {"py_modules": [str(Path(ecom_llm.__file__).parent)], "env_vars": QUIET}
    try:
        knock(address)
        ray.init(address=address, logging_level=logging.WARNING, runtime_env=shipped)
    except (OSError, RuntimeError, ValueError) as error:
        raise UserError(
            f"runtime.ray_address: no Ray cluster can be used at {address!r} ({' '.join(str(error).split())}). Look with "
            "`ray status`, give host:port of its head, or set runtime.ray_address to local."
        ) from error
    daft.set_runner_ray(noop_if_initialized=True)


def knock(address: str) -> None:
    """Raise OSError where nothing listens at a `host:port`: Ray itself would try for three and a half minutes."""
    if named := re.fullmatch(r"(?:ray://)?(.+):(\d+)", address):
        socket.create_connection((named[1], int(named[2])), PATIENCE).close()


def check_machines(folder: Path) -> None:
    """Ask every machine of the cluster whether it can do the work, before any is given out.

    Washed rows pass through files: a machine that writes them to a folder of its own would lose them.

    Raises:
        UserError: a package is missing on a machine, or it does not see `folder`.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    machines = [node for node in ray.nodes() if node["Alive"]]
    ask = ray.remote(num_cpus=0)(sees)
    strategies = [NodeAffinitySchedulingStrategy(node["NodeID"], soft=False) for node in machines]
    probe = folder / "seen-by-all"
    probe.touch()
    try:
        answers = ray.get([ask.options(scheduling_strategy=strategy).remote(str(probe)) for strategy in strategies])
    except ray.exceptions.RayError as error:
        last = str(error).strip().splitlines()[-1]
        raise UserError(
            f"runtime.engine is ray, but a machine of the cluster cannot run the preparation ({last}). Give every machine this "
            "Python and these packages (pip install -c constraints.txt -e '.[ray]'), or set runtime.engine to native."
        ) from error
    finally:
        probe.unlink()
    blind = [node["NodeManagerAddress"] for node, seen in zip(machines, answers, strict=True) if not seen]
    if blind:
        raise UserError(
            f"runtime.engine is ray, but its machine {blind[0]} does not see {folder}. Put the checkout, or what "
            "ECOM_LLM_STATE names, on a disk that all machines share under one path, or set runtime.engine to native."
        )
    cores = sum(int(node["Resources"].get("CPU", 0)) for node in machines)
    log.info("preparing on Ray (machines: %s, cores: %s)", len(machines), cores)


def sees(path: str) -> bool:
    """Asked of another machine: whether the file is there for it too; that the packages are is shown by the import."""
    importlib.import_module("ecom_llm.prepare.judge")
    importlib.import_module("ecom_llm.prepare.wash")
    return Path(path).exists()
