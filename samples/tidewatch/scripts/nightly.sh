#!/bin/sh
# Nightly work in a gauge hut. The cron line is
#   20 3 * * *  /opt/tidewatch/scripts/nightly.sh HLB
# 03:20 UTC, because the modems are reset at 03:00 and need ten minutes.
set -eu

station=${1:?usage: nightly.sh STATION}
data=${TIDEWATCH_DATA:-/var/lib/tidewatch}
keep=14   # nightly copies; two weeks covers the longest stay without a visit

export PYTHONPATH="${TIDEWATCH_HOME:-/opt/tidewatch}/src"
tidewatch() { python3 -m tidewatch.cli --db "$data/hut.db" "$@"; }

# One run at a time. A second one leaves quietly rather than wait: the first
# is most likely stuck on the memory card, and queueing would make it worse.
exec 9>"$data/nightly.lock"
flock -n 9 || exit 0

tidewatch thin "$station"

# The constants are refitted on the first of the month only.
if [ "$(date -u +%d)" = 01 ]; then
    tidewatch fit "$station"
fi

# VACUUM INTO makes a consistent copy while the poller is writing; cp does not.
copy="$data/backup/hut-$(date -u +%Y%m%d).db"
mkdir -p "$data/backup"
rm -f "$copy"
python3 -c 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute("VACUUM INTO ?", sys.argv[2:])' \
    "$data/hut.db" "$copy"
ls -1 "$data"/backup/hut-*.db | head -n -"$keep" | xargs -r rm -f

tidewatch report "$station" --json > "$data/$station.json.new"
mv "$data/$station.json.new" "$data/$station.json"
