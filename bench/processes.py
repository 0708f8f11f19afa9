"""What a process holds and has used, as Linux tells it."""

from __future__ import annotations

import os
from pathlib import Path


def resident_megabytes(process: int | str = "self", *, at_most: bool = False) -> int:
    """Resident memory of a process, now or at its highest.

    Of a child, `resource.getrusage` would also tell what its parent held before it.
    """
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("VmHWM:" if at_most else "VmRSS:")[1].split()[0]) // 1024


def cpu_seconds(process: int) -> float:
    """Processor time of a process and all its threads since it began, its own and the system's for it."""
    # The name, in brackets, may hold blanks.
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
