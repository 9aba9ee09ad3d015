#!/usr/bin/env bash
# Repeats the runs of docs/results.md: ./dev results [JOB...], with HEMP_DATA naming a folder that holds mnist/.
# Jobs: float (both LeNets), compress (both, from the float runs, three seeds), orders (the order study, from the float LeNet-5),
# ablation (what each part of recipe hemp does, on LeNet-300-100), targets (what to minimise, on the same), search (coefficients
# found for a target, on the same). All of these unless named; the others need what float leaves.
# Only where named, since they take hours: cifar (the networks for CIFAR-10), cifar-compress (from those), curves (loss by epoch
# beside PyTorch's, with a python3 that has it). They need cifar10-jpeg.tar.xz and cifar10-5k/ in HEMP_DATA.
# Runs go to ./results (or HEMP_RESULTS) and stay there; finished ones are not repeated, but for curves, interrupted ones continue.
# HEMP_EPOCHS makes every run that short: a try of this script, not the results.
set -euo pipefail

cd "$(dirname "$0")/.."
hemp=build/cli/hemp
data=${HEMP_DATA:?"set HEMP_DATA to a folder that holds mnist/"}/mnist
out=${HEMP_RESULTS:-results}

# once FOLDER EPOCHS COMMAND...: runs the command, with the folder for its run, unless the folder holds a finished run.
once() {
    local folder=$1 epochs=${HEMP_EPOCHS:-$2} resume=()
    shift 2
    if [[ -e $folder/summary.json ]]; then
        return
    fi
    if [[ -e $folder/last.ckpt ]]; then
        resume=(--resume)
    fi
    mkdir -p "$folder"
    echo "== ${*/#$hemp/hemp} --epochs $epochs --out $folder" >&2
    # A search that misses its target ends with an error, and with a summary all the same.
    "$@" --epochs "$epochs" --out "$folder" "${resume[@]}" --json >"$folder.summary" || [[ -s $folder.summary ]]
    mv "$folder.summary" "$folder/summary.json"
}

job_float() {
    once "$out/lenet5" 20 "$hemp" train lenet5 --data "$data" --seed 1
    once "$out/lenet300" 30 "$hemp" train lenet300 --data "$data" --seed 1
    for model in lenet5 lenet300; do
        "$hemp" eval "$out/$model" --data "$data"
    done
}

# compressed IMAGES FOLDER EPOCHS INPUT FLAG...: compresses a run with three seeds, and evaluates the files.
compressed() {
    local images=$1 folder=$2 epochs=$3 input=$4 seed
    shift 4
    for seed in 1 2 3; do
        once "$folder-$seed" "$epochs" "$hemp" compress "$input" --data "$images" --seed "$seed" "$@" -o "$folder-$seed.hemp"
        "$hemp" eval "$folder-$seed.hemp" --data "$images"
    done
}

job_compress() {
    compressed "$data" "$out/lenet5-small" 30 "$out/lenet5" --augment none --entropy 4.3
    compressed "$data" "$out/lenet5-accurate" 30 "$out/lenet5" --entropy 3
    compressed "$data" "$out/lenet300-small" 20 "$out/lenet300" --entropy 1.2
}

# The coefficients of orders 1 to 4 at which their accuracies on held-out training images are nearly the same.
paper_coefficients=(2 1.6 1.5 1.5)
hemp_coefficients=(3 3 3 4)

job_orders() {
    local order seed folder
    for seed in 1 2 3; do
        for order in 1 2 3 4; do
            folder=$out/orders/paper-$order-$seed
            once "$folder" 2 "$hemp" compress "$out/lenet5" --data "$data" --recipe paper --seed "$seed" \
                --order "$order" --entropy "${paper_coefficients[order - 1]}" -o "$folder.hemp"
            folder=$out/orders/hemp-$order-$seed
            once "$folder" 4 "$hemp" compress "$out/lenet5" --data "$data" --recipe hemp --seed "$seed" \
                --order "$order" --entropy "${hemp_coefficients[order - 1]}" -o "$folder.hemp"
        done
    done
    python3 docs/orders.py "$out/orders" "$out/orders.md" "$out/orders.svg"
    cat "$out/orders.md"
}

# Name and flags of each row.
ablations=("recipe hemp|--entropy 1.2" "no distillation|--entropy 1.2 --distillation 0"
    "80 % pruned first|--entropy 1.2 --prune 0.8" "pruned by the loss|--entropy 1.2 --prune-tolerance 0.02"
    "ternary|--entropy 1.2 --quantizer ternary" "powers of two|--entropy 1.2 --quantizer power-of-two"
    "3 levels|--entropy 1.2 --levels 3" "15 levels|--entropy 1.2 --levels 15"
    "entropy of order 1|--entropy 1.2 --order 1" "entropy of order 2|--entropy 1.2 --order 2" "no entropy|--entropy 0")

job_ablation() {
    local seed row folder flags
    for seed in 1 2 3; do
        for row in "${ablations[@]}"; do
            folder="$out/ablation/${row%|*}-$seed"
            read -ra flags <<<"${row#*|}"
            once "$folder" 20 "$hemp" compress "$out/lenet300" --data "$data" --seed "$seed" "${flags[@]}" -o "$folder.hemp"
        done
    done
    python3 docs/ablation.py "$out/ablation"
}

# What is minimised, and how it is asked for.
targets=("coder|" "order 1|--order 1" "order 2|--order 2" "order 4|--order 4")

job_targets() {
    local seed row coefficient folder flags
    for seed in 1 2 3; do
        for coefficient in 0.7 1.2 2; do
            for row in "${targets[@]}"; do
                folder="$out/targets/${row%|*},$coefficient-$seed"
                read -ra flags <<<"${row#*|}"
                once "$folder" 20 "$hemp" compress "$out/lenet300" --data "$data" --seed "$seed" --entropy "$coefficient" \
                    "${flags[@]}" -o "$folder.hemp"
            done
        done
    done
    python3 docs/targets.py "$out/targets"
}

job_search() {
    local seed target folder
    for target in "max-drop 0.3" "target-accuracy 98.8" "target-bytes 4000"; do
        for seed in 1 2 3; do
            folder="$out/search/$target-$seed"
            # shellcheck disable=SC2086  # a flag and its value
            once "$folder" 20 "$hemp" compress "$out/lenet300" --data "$data" --seed "$seed" --$target -o "$folder.hemp"
        done
    done
    python3 docs/ablation.py "$out/search"
}

cifar() {
    if [[ ! -d $out/cifar10-jpeg ]]; then
        mkdir -p "$out/unpacking"
        tar xf "$HEMP_DATA/cifar10-jpeg.tar.xz" -C "$out/unpacking" || return 1
        mv "$out/unpacking" "$out/cifar10-jpeg"
    fi
    echo "$out/cifar10-jpeg"
}

job_cifar() {
    local images row
    images=$(cifar)
    for row in "resnet20 44" "resnet32 44" "mobilenetv2-cifar 20" "vgg16-cifar 30"; do
        once "$out/${row% *}" "${row#* }" "$hemp" train "${row% *}" --data "$images" --recipe cifar --no-holdout --seed 1
        "$hemp" eval "$out/${row% *}" --data "$images"
    done
}

job_cifar-compress() {
    local images row
    images=$(cifar)
    for row in "resnet20 0.35" "resnet32 0.6"; do
        compressed "$images" "$out/${row% *}-hemp" 16 "$out/${row% *}" --no-holdout --batch 128 --augment crop=4,flip \
            --levels 15 --level-step 0.66 --entropy "${row#* }"
    done
    compressed "$images" "$out/vgg16-cifar-hemp" 16 "$out/vgg16-cifar" --no-holdout --batch 128 --augment crop=4,flip \
        --rate 5e-4 --entropy 9
}

job_curves() {
    python3 docs/curves.py "$HEMP_DATA/cifar10-5k" "${HEMP_EPOCHS:-4}" "$out/curves.svg" mobilenetv2-cifar vgg16-cifar
}

jobs=("$@")
[[ ${#jobs[@]} -gt 0 ]] || jobs=(float compress orders ablation targets search)
for job in "${jobs[@]}"; do
    if ! declare -F "job_$job" >/dev/null; then
        echo "results: no job '$job'; choose from float, compress, orders, ablation, targets, search, cifar, cifar-compress, curves" >&2
        exit 2
    fi
    "job_$job"
done
