"""The machine that times are measured on."""

import platform
import re
import subprocess
from pathlib import Path


def processor() -> str:
    """Return the name of the processor and, on Linux, the size of the second-level cache of a core."""
    name, cache = "", ""
    if platform.system() == "Linux":
        about = dict(re.findall(r"^([\w ]+?)\s*: (.+)$", _text_of("/proc/cpuinfo"), re.M))
        if "model name" in about:
            name = f"{about['model name']} (family {about.get('cpu family')}, model {about.get('model')})"
        cache = _text_of("/sys/devices/system/cpu/cpu0/cache/index2/size").strip()
    elif platform.system() == "Darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        name = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    name = name or platform.processor() or platform.machine()
    return f"{name}, {cache} L2 cache" if cache else name


def _text_of(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
