"""What the commands do: one module each, with a function run(args) that returns the exit code."""
