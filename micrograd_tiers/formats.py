"""Numbers and messages as text for people: losses of any size, messages on one line, what is wrong with a file."""

LONGEST = 1_000  # characters of a message


def loss_text(loss: float) -> str:
    """Return a loss with four decimals, or as 1.9e+164 if it is very large or very small."""
    return f"{loss:.4f}" if loss == 0 or 1e-4 <= abs(loss) < 1e4 else f"{loss:.1e}"


def cut(text: str, longest: int = LONGEST) -> str:
    """Return the text, with its middle left out if it is longer than `longest` characters."""
    if len(text) <= longest:
        return text
    half = (longest - 5) // 2
    return f"{text[:half]} ... {text[-half:]}"


def cut_lines(text: str, most: int = 10) -> str:
    """Return the text, with lines of its middle left out if it has more than `most`, which is at least 4."""
    lines = text.split("\n")
    if len(lines) <= most:
        return text
    last = most // 2
    first = most - last - 1
    return "\n".join([*lines[:first], f"... {len(lines) - first - last:,} more lines ...", *lines[-last:]])


def one_line(message: str) -> str:
    """Return a message on one line of at most 1,000 characters, with control characters escaped."""
    return printable(cut(" ".join(message.split())))


def printable(text: str) -> str:
    """Return a text with control characters and line breaks escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def reason(error: Exception) -> str:
    """Return what is wrong with a file, from an error met while reading it; a KeyError names what is missing."""
    if type(error) is KeyError and error.args:
        return f"{error.args[0]} is missing"
    return str(error) if isinstance(error, ValueError) else repr(error)
