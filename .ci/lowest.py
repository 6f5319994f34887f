"""Print pip constraints with the lowest versions that setup.cfg allows for users and tests (>= becomes ==)."""

import configparser
from pathlib import Path

setup = configparser.ConfigParser()
setup.read(Path(__file__).parents[1] / "setup.cfg")
print((setup["options"]["install_requires"] + setup["options.extras_require"]["test"]).replace(">=", "==").strip())
