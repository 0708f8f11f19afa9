"""How much memory a process holds, as Linux tells it."""

from __future__ import annotations

from pathlib import Path


def resident_megabytes(process: int | str = "self", *, at_most: bool = False) -> int:
    """Resident memory of a process, now or at its highest.

    Of a child, `resource.getrusage` would also tell what its parent held before it.
    """
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("VmHWM:" if at_most else "VmRSS:")[1].split()[0]) // 1024
