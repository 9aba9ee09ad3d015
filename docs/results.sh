#!/usr/bin/env bash
# Repeats the runs of docs/results.md: ./dev results [JOB...], with HEMP_DATA naming a folder that holds mnist/.
# Jobs: float (both LeNets), compress (both, from the float runs), orders (the order study). All of them unless named.
# Runs go to ./results; one that was interrupted continues.
set -euo pipefail

cd "$(dirname "$0")/.."
hemp=build/cli/hemp
data=${HEMP_DATA:?"set HEMP_DATA to a folder that holds mnist/"}/mnist
out=${HEMP_RESULTS:-results}
mkdir -p "$out"

# once FOLDER COMMAND...: runs the command unless FOLDER holds a finished run; continues an interrupted one.
once() {
    local folder=$1
    shift
    if [ -e "$folder/summary.json" ]; then
        return
    fi
    local resume=()
    [ -e "$folder/last.ckpt" ] && resume=(--resume)
    echo "== $*" >&2
    "$@" "${resume[@]}" --json >"$folder.json.new"
    mv "$folder.json.new" "$folder/summary.json"
}

job_float() {
    once "$out/lenet5" "$hemp" train lenet5 --data "$data" --no-holdout --epochs 20 --seed 1 --out "$out/lenet5"
    once "$out/lenet300" "$hemp" train lenet300 --data "$data" --no-holdout --epochs 30 --seed 1 --out "$out/lenet300"
}

job_compress() {
    once "$out/lenet5-hemp" "$hemp" compress "$out/lenet5" --data "$data" --epochs 50 --seed 1 \
        -o "$out/lenet5.hemp" --out "$out/lenet5-hemp"
    once "$out/lenet300-hemp" "$hemp" compress "$out/lenet300" --data "$data" --epochs 50 --seed 1 \
        -o "$out/lenet300.hemp" --out "$out/lenet300-hemp"
    for model in lenet5 lenet300; do
        "$hemp" eval "$out/$model.hemp" --data "$data"
        "$hemp" list "$out/$model.hemp"
    done
}

jobs=("$@")
[ ${#jobs[@]} -gt 0 ] || jobs=(float compress)
for job in "${jobs[@]}"; do
    "job_$job"
done
