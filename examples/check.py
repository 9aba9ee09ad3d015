"""Runs an example and compares what it prints with the comment block at the end of its source, after "// Prints:"."""
import difflib
import subprocess
import sys

program, source = sys.argv[1:]
with open(source) as file:
    block = file.read().rpartition("\n// Prints:\n")[2]
expected = [line.removeprefix("//").removeprefix(" ") for line in block.splitlines()]
printed = subprocess.run([program], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
if not expected or expected != printed:
    print("\n".join(difflib.unified_diff(expected, printed, source, "printed", lineterm="")))
    sys.exit(1)
