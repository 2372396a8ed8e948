#!/bin/sh
# The main job on real data: train, prove, compare, verify, and see tampering caught.
# Needs `repro` and `repro-verify` on PATH; `make demo` sees to that. DEMO_DIR chooses the place.
set -eu

place=${DEMO_DIR:-$(mktemp -d "${TMPDIR:-/tmp}/repro-demo.XXXXXX")}
workspace=$place/workspace
REPRO_KEYS=$place/keys # outside the workspace, as any private key should be
export REPRO_KEYS

title() { printf '\n== %s\n' "$*"; }
run() {
    printf '$ %s\n' "$*"
    "$@"
}
# train_again: as the first time, but only the first line of what it prints
train_again() {
    printf '$ repro train --target fwd_ret_5d --quiet | head -n 1\n'
    repro train --target fwd_ret_5d --quiet >"$place/printed"
    head -n 1 "$place/printed"
}
# run_expecting STATUS COMMAND…: a command that must end with this exit status
run_expecting() {
    wanted=$1
    shift
    printf '$ %s\n' "$*"
    status=0
    "$@" || status=$?
    printf '(exit status %s)\n' "$status"
    test "$status" -eq "$wanted" || {
        printf 'demo: expected exit status %s\n' "$wanted" >&2
        exit 1
    }
}

title "1. A workspace: commented YAML, a real panel of five US stocks, a log with a fresh key"
run repro init "$workspace"
cd "$workspace"

title "2. Every file against its schema, then across files"
run repro validate

title "3. Train LightGBM in the strict child process; the plan is in the log before it starts"
run repro train --target fwd_ret_5d

title "4. The same again"
train_again
run repro diff @latest~1 @latest

title "5. Change one line of YAML, train, and ask what changed"
printf "$ sed -i 's/learning_rate: 0.01/learning_rate: 0.05/' CONFIG/model_config/lightgbm.yaml\n"
sed 's/^  learning_rate: 0.01$/  learning_rate: 0.05/' CONFIG/model_config/lightgbm.yaml >"$place/edited.yaml"
cp "$place/edited.yaml" CONFIG/model_config/lightgbm.yaml
train_again
run_expecting 1 repro diff @latest~1 @latest

title "6. Do the sealed run again in a fresh process and compare every bit"
run repro verify @latest~1

title "7. Verify the log, and every file that it names"
run repro audit verify --artifacts

title "8. Tamper with a copy: claim more days of evidence than there were (line 3 is record 2)"
cp -R AUDIT_LOG "$place/forged"
printf '$ sed "3s/1959/2959/" AUDIT_LOG/log.jsonl > forged/log.jsonl\n'
sed '3s/"rank_ic_dates":1959/"rank_ic_dates":2959/' AUDIT_LOG/log.jsonl >"$place/forged/log.jsonl"
vkey=$(head -n 1 AUDIT_LOG/log.vkey)
run_expecting 4 repro-verify log "$place/forged" --vkey "$vkey"

title "9. Or cut its end off"
cp -R AUDIT_LOG "$place/cut"
printf '$ head -n 4 AUDIT_LOG/log.jsonl > cut/log.jsonl\n'
head -n 4 AUDIT_LOG/log.jsonl >"$place/cut/log.jsonl"
run_expecting 4 repro-verify log "$place/cut" --vkey "$vkey"

cat <<END

The workspace is $workspace (its key: $REPRO_KEYS).
Go there, in this shell:
  cd $workspace
  export REPRO_KEYS=$REPRO_KEYS PATH=$(dirname "$(command -v repro)"):\$PATH

Three commands to try next:
  repro train --variant conservative && repro diff @latest~1
  repro train --target fwd_up_5d
  repro validate learning_rat=3.0     # refused, and says what you meant
END
