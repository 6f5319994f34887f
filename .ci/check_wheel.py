"""Check that a wheel holds exactly the files of the package, and names the right license."""

import sys
import zipfile
from email import message_from_bytes
from pathlib import Path

NOT_INSTALLED = {"micrograd_tiers/tiers/ruff.toml"}

paths = [path for path in Path("micrograd_tiers").rglob("*") if path.is_file() and path.suffix != ".pyc"]
here = {str(path) for path in paths if "/." not in str(path)}  # without the caches of linters
with zipfile.ZipFile(sys.argv[1]) as wheel:
    there = {name for name in wheel.namelist() if ".dist-info/" not in name}
    (metadata,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    license_expression = message_from_bytes(wheel.read(metadata))["License-Expression"]

if wrong := there ^ (here - NOT_INSTALLED):
    sys.exit(f"missing in the wheel, or not part of the package: {sorted(wrong)}")
if license_expression != "MIT":
    sys.exit(f"License-Expression is {license_expression}, expected MIT")
print(f"{len(there)} files, license {license_expression}")
