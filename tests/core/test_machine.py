"""The name of the processor, on Linux, on a Mac and on this machine."""

import platform
import subprocess
from types import SimpleNamespace

import pytest

from micrograd_tiers import machine

CPUINFO = """processor\t: 0
cpu family\t: 6
model\t\t: 207
model name\t: Intel(R) Xeon(R) Processor
"""


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ((CPUINFO, "2048K\n"), "Intel(R) Xeon(R) Processor (family 6, model 207), 2048K L2 cache"),
        ((CPUINFO, ""), "Intel(R) Xeon(R) Processor (family 6, model 207)"),
        (("processor\t: 0\nFeatures\t: fp asimd\n", "1024K\n"), "aarch64, 1024K L2 cache"),
        (("", ""), "aarch64"),
    ],
)
def test_on_linux(files, expected, monkeypatch):
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "processor", lambda: "")
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    of_path = {"/proc/cpuinfo": files[0], "/sys/devices/system/cpu/cpu0/cache/index2/size": files[1]}
    monkeypatch.setattr(machine, "_text_of", of_path.__getitem__)
    assert machine.processor() == expected


def test_on_a_mac(monkeypatch):
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(subprocess, "run", lambda *args, **kwargs: SimpleNamespace(stdout="Apple M3\n"))
    assert machine.processor() == "Apple M3"


def test_here():
    assert machine.processor()
