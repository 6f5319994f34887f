"""`micrograd-tiers generate`: draw new documents from a saved net."""

from __future__ import annotations

import argparse

import micrograd_tiers as mt

from ..errors import DataError
from ..files import check_outputs
from ..formats import printable
from . import options
from .output import write_json


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Draw new documents, such as names, from a net that train --net gpt or mt.save(net, path, tokenizer=...) has "
        "saved, and print one on each line. The same seed gives the same documents at every tier."
    )
    parser.add_argument("net", type=options.file_name, metavar="NET", help="net saved with its tokenizer")
    parser.add_argument("--n", type=options.whole(), default=20, help="number of documents (default: 20)")
    parser.add_argument(
        "--temperature",
        type=options.real(above=0),
        default=1.0,
        metavar="T",
        help="divisor of the logits: below 1, the likely tokens become likelier (default: 1)",
    )
    parser.add_argument("--prompt", default="", metavar="TEXT", help="beginning of each document (default: none)")
    parser.add_argument("--tier", type=options.tier, help="tier to compute with (default: the tier of the saved net)")
    options.add_seed(parser)
    options.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Draw documents and print them; return 0."""
    from ..checkpoints import load_usable
    from ..layers import Embedding

    check_outputs([args.json], inputs=[args.net, options.tier_file(args.tier)])
    saved = load_usable(args.net)
    first = saved.net.layers[0]
    if not isinstance(first, Embedding):
        raise DataError(
            f"{args.net}: its first layer is {type(first).__name__}, expected a net that reads documents, as "
            "micrograd-tiers train --net gpt saves it"
        )
    if saved.tokenizer is None:
        raise DataError(
            f"{args.net}: holds a net without its tokenizer; in Python, save both: mt.save(net, path, "
            "tokenizer=tokenizer)"
        )
    net = saved.net if args.tier is None else saved.net.to(args.tier)
    documents = mt.generate(
        net, saved.tokenizer, args.n, temperature=args.temperature, prompt=args.prompt, seed=args.seed
    )
    for document in documents:
        print(printable(document))
    settings = {"net": args.net, "temperature": args.temperature, "prompt": args.prompt, "seed": args.seed}
    write_json(args.json, {"command": "generate", **settings, "tier": net.tier_name, "documents": documents})
    return 0
