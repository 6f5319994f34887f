"""Formulas as trees of lists and strings, which the page's script evaluates and writes out.

A number is a number, a name a string. All else is a list whose first entry says what it is: ["at", name, index, ...]
for a number of an array, ["sum", body, [[index, size], ...], condition] for a sum, [operator, argument, ...].
"""

import ast
from typing import Any

Tree = Any  # a number, a string or a list

OPERATORS: dict[type, str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Pow: "**", ast.USub: "neg",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.Eq: "==",
}  # fmt: skip


def tree_of(expression: str) -> Tree:
    """Return the tree of a Python expression."""
    return _tree(ast.parse(expression, mode="eval").body)


def _tree(node: Any) -> Tree:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return name
        case ast.Subscript(value=ast.Name(id=name), slice=index):
            places = index.elts if isinstance(index, ast.Tuple) else [index]
            return ["at", name, *([] if _is_ellipsis(index) else map(_tree, places))]
        case ast.BinOp(left=left, op=op, right=right):
            return [OPERATORS[type(op)], _tree(left), _tree(right)]
        case ast.UnaryOp(op=op, operand=operand):
            return [OPERATORS[type(op)], _tree(operand)]
        case ast.IfExp(test=test, body=body, orelse=other):
            return ["if", _tree(test), _tree(body), _tree(other)]
        case ast.BoolOp(values=values):
            return ["and", *map(_tree, values)]
        case ast.Compare(left=left, ops=ops, comparators=rights):
            lefts = [left, *rights[:-1]]
            pairs = [[OPERATORS[type(op)], _tree(a), _tree(b)] for a, op, b in zip(lefts, ops, rights, strict=True)]
            return pairs[0] if len(pairs) == 1 else ["and", *pairs]
        case ast.Call(func=ast.Name(id=name), args=[ast.GeneratorExp(elt=body, generators=loops)]):
            indices = [[_tree(loop.target), _tree(loop.iter)[1]] for loop in loops]  # iter: ["range", size]
            conditions = [_tree(condition) for loop in loops for condition in loop.ifs]
            return [name, _tree(body), indices, *conditions]
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return [name, *map(_tree, arguments)]
    raise ValueError(f"the formula holds {ast.unparse(node)!r}, expected numbers, arrays, sums and functions of them")


def names_in(tree: Tree) -> set[str]:
    """Return all strings in a tree: the names of arrays, indices, sizes, functions and operators."""
    if isinstance(tree, list):
        return {name for part in tree for name in names_in(part)}
    return {tree} if isinstance(tree, str) else set()


def _is_ellipsis(index: ast.expr) -> bool:
    return isinstance(index, ast.Constant) and index.value is ...
