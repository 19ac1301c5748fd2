# A private instance of everything: the stand-in GitHub, an agent of its own, an empty gh configuration. GHOARD_BIN_DIR
# is where the programs are.

setup_file() {
  export GOLDEN_DIR
  GOLDEN_DIR=$(mktemp -d /tmp/gh-XXXXXX)
  export GHOARD_HOME=$GOLDEN_DIR/home GH_CONFIG_DIR=$GOLDEN_DIR/gh HOME=$GOLDEN_DIR TZ=Europe/Berlin
  export GHOARD_ENABLE_P2P=false
  unset GH_HOST GH_REPO GITHUB_TOKEN GH_ENTERPRISE_TOKEN GITHUB_ENTERPRISE_TOKEN NO_COLOR CLICOLOR CLICOLOR_FORCE \
    GH_FORCE_TTY GH_DEBUG PAGER GH_PAGER GHOARD_NO_SPAWN CACHE_DEFAULT_TTL GHOARD_DEFAULT_TTL GIT_DIR \
    GIT_CONFIG_GLOBAL XDG_CONFIG_HOME
  export GH_TOKEN=ghp_StandInUser1Token0000000000000000001
  mkdir -p "$GH_CONFIG_DIR"
  "$GHOARD_BIN_DIR/ghoard-standin" >"$GOLDEN_DIR/standin.out" 3>&- &
  echo $! >"$GOLDEN_DIR/standin.pid"
  local tries=0
  until grep -q '^listening on' "$GOLDEN_DIR/standin.out"; do
    [ $((tries += 1)) -lt 600 ] || return 1
    sleep 0.05
  done
  export GHOARD_API_URL
  GHOARD_API_URL=$(sed -n 's/^listening on //p' "$GOLDEN_DIR/standin.out")
  export PATH=$GHOARD_BIN_DIR:$PATH
}

teardown_file() {
  ghoard agent stop >/dev/null 2>&1 || true
  kill "$(cat "$GOLDEN_DIR/standin.pid")" || true
  rm -rf "$GOLDEN_DIR"
}

# Standard output, standard error and exit code of a command, each by itself: $out, $err, $code.
observe() {
  code=0
  "$@" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" || code=$?
  out=$(cat "$BATS_TEST_TMPDIR/out")
  err=$(cat "$BATS_TEST_TMPDIR/err")
}

# equal WHAT FOUND EXPECTED
equal() {
  [ "$2" = "$3" ] || {
    printf '%s\n--- found\n%s\n--- expected\n%s\n' "$1" "$2" "$3"
    return 1
  }
}

# The stand-in's counter of requests to one target.
asked() {
  curl -s "$GHOARD_API_URL/_standin/counters" | tr '{,}' '\n\n\n' | sed -n "s|^ *\"GET $1\": *\([0-9][0-9]*\)\$|\1|p"
}
