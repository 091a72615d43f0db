"""Nodes of a cluster that come and go while a campaign is rendered on them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.ray_nodes import RayCluster, end

WITH_A_MOUNT = ("unshare", "-m", "sh", "-c")
"""Runs a command in a mount namespace of its own, which comes to the same as another machine's file system."""


class Nodes:
    """A head node and a further one, with one CPU each."""

    def __init__(self, cluster: RayCluster, job: Path) -> None:
        self._cluster, self._job = cluster, job
        self.environment = {"BRANDPRESS_RESOURCE_TIMEOUT": "120"}
        cluster.start(head=True, cpus=1)
        self._workers = [cluster.start(cpus=1)]
        self._foreign: list[subprocess.Popen[bytes]] = []
        self._refused = False

    def before_run(self) -> None:
        """Lets one run meet the nodes without the folder, which it must refuse, and removes them for the next."""
        if self._refused:
            for process in self._foreign:
                end(process)
            self._foreign.clear()
        self._refused = bool(self._foreign)

    def lose(self) -> int:
        """Ends a node as if its power failed, and starts another one. Returns how many nodes were lost."""
        end(self._workers.pop())
        self._workers.append(self._cluster.start(cpus=1))
        return 1

    def join_without_folder(self) -> int:
        """Starts a node that sees an empty folder where the campaign is delivered. Returns 1, or 0 where nobody may
        mount a file system."""
        script = f'mount -t tmpfs none "{self._job.parent / "out"}" && exec "$0" "$@"'
        if subprocess.run([*WITH_A_MOUNT, script, "true"], capture_output=True, check=False).returncode:
            return 0
        self._foreign.append(self._cluster.start(cpus=1, prefix=(*WITH_A_MOUNT, script)))
        return 1
