"""Sums up a test run: reads Meson's testlog.json, prints messages of the tests and, as last line, "N passed, N failed".

Counts the test cases of doctest programs; any other program (an example) counts as one case. A run of nothing fails.
"""
import json
import re
import sys

passed = failed = 0
try:
    with open(sys.argv[1]) as log:
        tests = [json.loads(line) for line in log]
except FileNotFoundError:
    tests = []

for test in tests:
    output = test.get("stdout") or ""
    good = test["result"] in ("OK", "EXPECTEDFAIL")
    for message in re.findall(r"MESSAGE: (.*)", output):
        print(f"{test['name']}: {message}")
    counts = re.search(r"test cases: +\d+ \| +(\d+) passed \| +(\d+) failed", output)
    if test["result"] == "SKIP":
        print(f"{test['name']}: skipped")
        continue
    cases_passed, cases_failed = map(int, counts.groups()) if counts else (int(good), 0)
    if not good and cases_failed == 0:
        cases_failed = 1
    passed += cases_passed
    failed += cases_failed

if passed + failed == 0:
    print("no test ran")
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0 or passed == 0)
