"""Print as constraints the lowest versions that setup.cfg allows: what users and tests need, with == for >=."""

import configparser
from pathlib import Path

setup = configparser.ConfigParser()
setup.read(Path(__file__).parents[1] / "setup.cfg")
print((setup["options"]["install_requires"] + setup["options.extras_require"]["test"]).replace(">=", "==").strip())
