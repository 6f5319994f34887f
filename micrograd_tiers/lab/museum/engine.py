"""Bugs of the engine: gradients that are overwritten or passed on too early, derivatives of the wrong function."""

from .bug import Bug

ENGINE_BUGS: tuple[Bug, ...] = (
    Bug(
        name="add_assigns_grad",
        title="the backward pass of + assigns gradients instead of adding to them",
        kind="engine",
        edits={
            "engine.py": (
                (
                    "Value.__add__",
                    "if type(other) is float or type(other) is int:\n"
                    '    return _node(self.data + other, "+", self, 1, None, other)\n',
                    "",
                ),
                (
                    "Value.__add__",
                    'return _node(self.data + other.data, "+", self, 1, other, 1)',
                    'out = Value(self.data + other.data, (self, other), "+")\n'
                    "\n"
                    "def push() -> None:\n"
                    "    self.grad = out.grad\n"
                    "    other.grad = out.grad\n"
                    "\n"
                    "out._backward = push\n"
                    "return out",
                ),
            )
        },
        symptom="A slower start, and little else: the net learns almost as well.",
        property="the gradient of an expression that uses a number twice, such as a + a",
        explanation="A number that is used in several places gets a contribution to its gradient from each, and the "
        "chain rule sums them. Assignment keeps only the last one.",
        hint="What is the derivative of a + a?",
    ),
    Bug(
        name="mul_assigns_grad",
        title="the backward pass of * assigns gradients instead of adding to them",
        kind="engine",
        edits={
            "engine.py": (
                (
                    "Value.__mul__",
                    "if type(other) is float or type(other) is int:\n"
                    '    return _node(self.data * other, "*", self, other, None, self.data)\n',
                    "",
                ),
                (
                    "Value.__mul__",
                    'return _node(self.data * other.data, "*", self, other.data, other, self.data)',
                    'out = Value(self.data * other.data, (self, other), "*")\n'
                    "x, y = self.data, other.data\n"
                    "\n"
                    "def push() -> None:\n"
                    "    self.grad = y * out.grad\n"
                    "    other.grad = x * out.grad\n"
                    "\n"
                    "out._backward = push\n"
                    "return out",
                ),
            )
        },
        symptom="The net learns, but its loss stops falling early, and it ends a few points behind.",
        property="the gradient of an expression that uses a number twice, such as a * a",
        explanation="Each weight is multiplied by an input once per sample, so a batch uses it many times. Only the "
        "contribution of one sample survives.",
        hint="What is the derivative of a * a?",
    ),
    Bug(
        name="mul_reads_data_at_backward_time",
        title="the backward pass of * reads the numbers when it runs instead of when the product was formed",
        kind="engine",
        edits={
            "engine.py": (
                (
                    "Value.__mul__",
                    'return _node(self.data * other.data, "*", self, other.data, other, self.data)',
                    'out = Value(self.data * other.data, (self, other), "*")\n'
                    "\n"
                    "def push() -> None:\n"
                    "    self.grad += other.data * out.grad\n"
                    "    other.grad += self.data * out.grad\n"
                    "\n"
                    "out._backward = push\n"
                    "return out",
                ),
            )
        },
        symptom="No effect while parameters move only after the backward pass. If they move in between, the loss is "
        "less steady, and the accuracy is about the same.",
        property="data may change between the forward and the backward pass without changing the gradient",
        explanation="If a parameter moves between the two passes, the gradient belongs to neither the old point nor "
        "the new one. If nothing moves in between, all is well; micrograd works this way.",
        hint="Which numbers does the derivative of a product need, and may they have changed in the meantime?",
    ),
    Bug(
        name="pow_missing_factor",
        title="the derivative of x**k leaves out the factor k",
        kind="engine",
        edits={
            "_arithmetic.py": (
                ("power", "try:\n    return x**k, k * x ** (k - 1)", "try:\n    return x**k, x ** (k - 1)"),
                ("power", "return y, k * x ** (k - 1)", "return y, x ** (k - 1)"),
            )
        },
        symptom="With a squared error, the net learns half as fast, as if the learning rate were half as large.",
        property="the derivative of x**k, compared with a numerical one for a k other than 1",
        explanation="For positive k, the slope has the right sign and is off by a constant, which the learning rate "
        "can make up for. For k = -1, as in a division, even the sign is wrong.",
        hint="What is the derivative of x**2 at 3, and what does the engine return?",
    ),
    Bug(
        name="relu_returns_int",
        title="relu returns the integer 0 for a negative input",
        kind="engine",
        edits={"engine.py": (("Value.relu", "y = type(x)(0) if x < 0 else x", "y = 0 if x < 0 else x"),)},
        symptom="No visible effect: an int appears among floats, and Python does not mind.",
        property="relu returns a number of the same type as its input",
        explanation="Sooner or later, the int reaches something that does mind: a file format, a type check, or an "
        "array that becomes one of integers.",
        hint="What is the type of relu(-2.0)?",
    ),
    Bug(
        name="relu_grad_at_zero",
        title="the derivative of relu at 0 is 1 instead of 0",
        kind="engine",
        edits={"engine.py": (("Value.relu", "1 if x > 0 else 0", "1 if x >= 0 else 0"),)},
        symptom="No visible effect: the curves take another course wherever an input is exactly 0, and end about as "
        "well.",
        property="the derivative of relu at 0",
        explanation="Any number from 0 to 1 can be defended there, but programs that should agree have to make the "
        "same choice. PyTorch and this package choose 0. A sum is exactly 0 more often than you might think, for "
        "example if all inputs are 0.",
        hint="Where does relu have no derivative, and how often does a sum of products lie exactly there?",
    ),
    Bug(
        name="exp_grad_uses_input",
        title="the derivative of exp is x, the input, instead of the result",
        kind="engine",
        edits={
            "engine.py": (("Value.exp", 'return _node(y, "exp", self, y)', 'return _node(y, "exp", self, self.data)'),)
        },
        symptom="The loss hardly falls, and the accuracy is that of guessing or not much better.",
        property="the derivative of exp, compared with a numerical one",
        explanation="exp is its own derivative, so the slope is the result, not the input. For negative x, the "
        "gradient even points the wrong way.",
        hint="What is the slope of exp at 0?",
    ),
    Bug(
        name="tanh_grad_uses_input",
        title="the derivative of tanh is computed from the input: 1 - x**2",
        kind="engine",
        edits={"engine.py": (("Value.tanh", "4 * s / (1 + s) ** 2", "1 - x**2"),)},
        symptom="The net learns slightly worse, or no worse at all, while most sums stay between -1 and 1.",
        property="the derivative of tanh, compared with a numerical one far from 0",
        explanation="The formula 1 - y**2 needs the output y, which always lies between -1 and 1. With the input, it "
        "is right at 0 and negative beyond 1 and -1, where it sends the weights the wrong way.",
        hint="The slope of tanh is never negative. Is this one?",
    ),
    Bug(
        name="sigmoid_grad_uses_input",
        title="the derivative of sigmoid is computed from the input: x (1 - x)",
        kind="engine",
        edits={"engine.py": (("Value.sigmoid", "e / (d * d)", "x * (1 - x)"),)},
        symptom="The net seems to learn for some epochs. Then the loss rises and becomes nan.",
        property="the derivative of sigmoid, compared with a numerical one",
        explanation="The formula y (1 - y) needs the output y. With the input, it is 0 at x = 0, where the slope is "
        "largest, and negative wherever x is not between 0 and 1.",
        hint="Where is sigmoid steepest, and how steep is it there?",
    ),
    Bug(
        name="bfs_instead_of_topo",
        title="backward visits the nodes in breadth-first order",
        kind="engine",
        edits={
            "_engine.py": (
                (
                    "in_order",
                    "nodes.reverse()",
                    "nodes = nodes[-1:]\n"
                    "reached = {root}\n"
                    "for node in nodes:\n"
                    "    for operand in reversed(node._prev):\n"
                    "        if operand._prev and operand not in reached:\n"
                    "            reached.add(operand)\n"
                    "            nodes.append(operand)",
                ),
            )
        },
        symptom="Almost no effect without skip connections. With one, the net learns more slowly and ends slightly "
        "worse.",
        property="the gradient of an expression that reaches a number by a short and by a long path",
        explanation="A node may pass its gradient on only after every node computed from it has contributed. In "
        "breadth-first order it does so when the shortest path arrives, and later contributions are lost.",
        hint="Draw the graph of y = x * x, z = (y + 1) * 3 + y. Which node must wait before it passes its gradient on?",
    ),
    Bug(
        name="intermediate_grads_not_reset",
        title="inner nodes keep the gradient of the previous backward pass",
        kind="engine",
        edits={"_engine.py": (("in_order", "if reset:\n    node.grad = 0\nstack.append(node)", "stack.append(node)"),)},
        symptom="No effect with one backward pass per graph. With a second pass, for a penalty on the same outputs, "
        "the steps become several times too long and the loss unsteady.",
        property="a second backward pass adds exactly the same again",
        explanation="An inner node passes its old gradient on again in the next pass: the second gradient is three "
        "times the first instead of twice. One pass per graph hides it; micrograd works this way.",
        hint="Call backward twice on the same expression. What should the leaves hold then?",
    ),
    Bug(
        name="equal_values_are_one_node",
        title="nodes that hold equal numbers are treated as the same node",
        kind="engine",
        edits={
            "_engine.py": (
                ("Node", "__hash__ = object.__hash__", "__hash__ = lambda self: hash(self.data)"),
                ("in_order", "mark = object()", "seen: set[Any] = set()"),
                ("in_order", "node._seen is not mark and", "node not in seen and"),
                ("in_order", "node._seen = mark\nif reset:", "seen.add(node)\nif reset:"),
                (
                    "in_order",
                    "if node._seen is not mark:\n    node._seen = mark",
                    "if node not in seen:\n    seen.add(node)",
                ),
                ("in_order", "and y._seen is not mark:", "and y not in seen:"),
            )
        },
        symptom="If the net or its loss has a relu, or if its inputs are zeros and ones, nothing is learned: the "
        "gradient does not reach the weights.",
        property="the gradient of an expression in which two different numbers happen to be equal",
        explanation="`node in seen` asks if the numbers are equal, because Values are compared by number. x * 1, x + "
        "0 and relu(x) are then taken for x itself, and the gradient ends there. Hash and compare nodes by identity.",
        hint="Two parameters both start at 0. Are they one parameter?",
    ),
    Bug(
        name="rsub_sign",
        title="5 - a is computed as a - 5",
        kind="engine",
        edits={
            "engine.py": (
                (
                    "Value.__rsub__",
                    'return _node(number(other, "a - v"), "") - self',
                    'return self - number(other, "a - v")',
                ),
            )
        },
        symptom="The hinge loss falls to 0 in no time, and the accuracy stays as bad as it was or gets worse.",
        property="the value and the derivative of 3 - v",
        explanation="Python calls __rsub__ on the right operand and passes it the left one. In a squared error the "
        "sign does not matter, and nothing shows. In a hinge loss, 1 - margin, it reverses the goal.",
        hint="In `5 - a`, which of the two operands is self?",
    ),
    Bug(
        name="iadd_in_place",
        title="+= changes the number in place and creates no node",
        kind="engine",
        edits={
            "engine.py": (
                (
                    "Value",
                    "def __rpow__",
                    "def __iadd__(self, other: Value | float) -> Value:\n"
                    "    self.data += other.data if isinstance(other, Value) else other\n"
                    "    return self\n"
                    "\n"
                    "def __rpow__",
                ),
            )
        },
        symptom="Nothing is learned at all: loss and accuracy are the same in every epoch.",
        property="a += b gives the value and the derivatives of a + b",
        explanation="The sum is right, but it is not in the graph, so no gradient finds its way back. Without "
        "__iadd__, Python turns += into an addition.",
        hint="After `total += loss`, what are the operands of total?",
    ),
)
