"""Options of all commands: a value that makes no sense is refused by the parser, with the name of the option."""

import argparse
from importlib import import_module

import pytest

from micrograd_tiers.cli import COMMANDS, build_parser

HUGE = "9" * 5000
FILE = ["", "-"]
FOLDER = [""]
NAME = ["", "0", "-1", "nan", "inf", "1e400", HUGE, "-"]  # one of several names
COUNT = ["", "0", "-1", "nan", "inf", "1e400", "2.5", "many", HUGE]
COUNT_OR_NONE = [value for value in COUNT if value != "0"]
POSITIVE = ["", "0", "-1", "nan", "inf", "1e400", "much"]
AT_LEAST_0 = [value for value in POSITIVE if value != "0"]
BELOW_1 = [*AT_LEAST_0, "1.5", HUGE]

REFUSED = {
    **dict.fromkeys(["--json", "--curves", "--confusion", "--picture", "--checkpoint", "--new"], FILE),
    **dict.fromkeys(["--resume", "--image", "--points", "--compare", "--history", "--text"], FILE),
    **dict.fromkeys(["--data-dir", "--out"], FOLDER),
    "--bug": NAME,
    **dict.fromkeys(["--data", "--net", "--tier", "--tiers", "--like", "--activation", "--init", "--dtype"], NAME),
    **dict.fromkeys(["--optimizer", "--loss", "--schedule", "--only", "--level", "--base", "--dask"], NAME),
    **dict.fromkeys(
        ["--n-train", "--n-test", "--n", "--samples", "--steps", "--length", "--hidden", "--batch-size", "--epochs"],
        COUNT,
    ),
    **dict.fromkeys(["--patience", "--jobs", "--threads", "--rounds"], COUNT),
    **dict.fromkeys(["--validation", "--coordinates"], COUNT_OR_NONE),
    "--seed": [value for value in COUNT_OR_NONE if value != HUGE] + [HUGE],
    **dict.fromkeys(["--learning-rate", "--seconds", "--time-limit", "--temperature"], POSITIVE),
    "--weight-decay": AT_LEAST_0,
    **dict.fromkeys(["--dropout", "--momentum", "--label-smoothing"], BELOW_1),
    "--layers": [""],
    "--answer": [],  # the name of a bug, or a number
    "--prompt": [],  # any text
}
# --net is a file for `check`, and sizes for `benchmark` and `step`; `step` may train for 0 epochs.
OF_COMMAND = {
    ("check", "--net"): FILE,
    ("step", "--out"): FILE,
    ("step", "--epochs"): COUNT_OR_NONE,
}


def parsers():
    """Yield the words of each command, and its parser."""
    (commands,) = (action for action in build_parser()._actions if isinstance(action, argparse._SubParsersAction))
    for name in COMMANDS:
        parser = commands.choices[name]
        import_module(f"micrograd_tiers.cli.{name}").add_options(parser)
        actions = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
        if actions:
            yield from ((f"{name} {word}", inner) for word, inner in actions[0].choices.items())
        else:
            yield name, parser


OPTIONS = [
    (command, action.option_strings[-1])
    for command, parser in parsers()
    for action in parser._actions
    if action.option_strings and action.nargs != 0
]


def test_all_options_are_found():
    assert {("train", "--epochs"), ("data show", "--n"), ("sweep", "--jobs"), ("verify", "--new")} <= {*OPTIONS}
    assert len(OPTIONS) > 70


@pytest.mark.parametrize(("command", "option"), OPTIONS, ids=map(" ".join, OPTIONS))
def test_a_value_that_makes_no_sense_is_refused_by_the_name_of_its_option(command, option, folder, capsys):
    for value in OF_COMMAND.get((command, option), REFUSED[option]):
        with pytest.raises(SystemExit) as stop:
            build_parser().parse_args([*command.split(), f"{option}={value}"])
        (line,) = capsys.readouterr().err.splitlines()
        assert stop.value.code == 2, (value, line)
        assert f"argument {option}: " in line, (value, line)
        assert len(line) < 1200


def test_the_seed_of_a_run_may_be_large(folder):
    assert build_parser().parse_args(["train", "--seed", str(2**70)]).seed == 2**70


def test_a_dangerous_character_in_an_argument_does_not_reach_the_terminal(cli):
    result = cli("train", "--resume", "a\x1b[2Jb\x07.npz")
    assert (result.code, len(result.err.splitlines())) == (1, 1)
    assert "\x1b" not in result.err
    assert r"a\x1b[2Jb\x07.npz" in result.err
