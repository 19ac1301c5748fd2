# `ghoard api` from the outside, against the stand-in GitHub: what gh prints in the same place, and what it does better.

load helper

@test "a body comes byte for byte, without a newline added" {
  observe ghoard api user
  equal code "$code" 0
  curl -s -H "Authorization: token $GH_TOKEN" -H 'Accept: application/vnd.github+json' "$GHOARD_API_URL/user" \
    >"$BATS_TEST_TMPDIR/direct"
  cmp "$BATS_TEST_TMPDIR/out" "$BATS_TEST_TMPDIR/direct"
  equal stderr "$err" ""
}

@test "-i prints the status line with LF, sorted headers with CRLF, and how the cache answered" {
  ghoard api users/user-2 >/dev/null
  observe ghoard api -i users/user-2
  equal code "$code" 0
  equal "status line" "$(head -1 "$BATS_TEST_TMPDIR/out" | od -An -c | tr -d ' \n')" 'HTTP/1.1200OK\n'
  sed -n '2,/^\r$/p' "$BATS_TEST_TMPDIR/out" | grep -v '^.$' | tr -d '\r' >"$BATS_TEST_TMPDIR/head"
  LC_ALL=C sort -c "$BATS_TEST_TMPDIR/head"
  grep -q '^Cache-Status: ghoard; hit; ttl=[0-9]*; detail=local$' "$BATS_TEST_TMPDIR/head"
  grep -q '^Age: [0-9]*$' "$BATS_TEST_TMPDIR/head"
  ! grep -qi '^ghoard-agent' "$BATS_TEST_TMPDIR/head"
}

@test "an error: its body on standard output, its message on standard error, exit 1" {
  observe ghoard api repos/acme/nowhere
  equal code "$code" 1
  equal stdout "$out" '{"message":"Not Found","documentation_url":"https://docs.github.com/rest"}'
  equal stderr "$err" 'ghoard: Not Found (HTTP 404)'
}

@test "--error-body=stderr keeps the error's body off standard output" {
  observe ghoard api --error-body=stderr repos/acme/nowhere
  equal code "$code" 1
  equal stdout "$out" ""
  equal "last line" "$(tail -1 <<<"$err")" 'ghoard: Not Found (HTTP 404)'
}

@test "messages carry the name the program was called by" {
  ln -s "$GHOARD_BIN_DIR/ghoard" "$BATS_TEST_TMPDIR/gh"
  observe "$BATS_TEST_TMPDIR/gh" api repos/acme/nowhere
  equal stderr "$err" 'gh: Not Found (HTTP 404)'
}

@test "a flag's mistake is told with the usage, and sends nothing" {
  observe ghoard api --nope user
  equal code "$code" 1
  equal stdout "$out" ""
  equal "first lines" "$(head -3 <<<"$err")" $'ghoard: unknown flag: --nope\n\nUsage:  ghoard api ENDPOINT [flags]'
}

@test "--paginate merges the pages of a list into one array" {
  observe ghoard api --paginate 'repos/acme/gadgets/issues?state=all&per_page=20'
  equal code "$code" 0
  run ghoard api --paginate 'repos/acme/gadgets/issues?state=all&per_page=20' -q '.[].number'
  equal lines "$(wc -l <<<"$output")" 45
  equal "one document" "$(ghoard api --paginate --slurp 'repos/acme/gadgets/issues?state=all&per_page=20' -q 'map(length) | @csv')" "20,20,5"
  equal "one array" "$(head -c 1 "$BATS_TEST_TMPDIR/out")$(tail -c 1 "$BATS_TEST_TMPDIR/out")" "[]"
  ! grep -q '\]\[' "$BATS_TEST_TMPDIR/out"
}

@test "--paginate asks for a hundred entries a page" {
  ghoard api --paginate repos/acme/widgets/issues >/dev/null
  equal asked "$(asked '/repos/acme/widgets/issues?per_page=100')" 1
}

@test "GraphQL pages follow the cursor" {
  observe ghoard api graphql --paginate -F owner=acme -F name=gadgets -q '.data.repository.issues.nodes[].number' -f query='
    query($owner: String!, $name: String!, $endCursor: String) {
      repository(owner: $owner, name: $name) {
        issues(first: 20, after: $endCursor) { nodes { number } pageInfo { hasNextPage endCursor } }
      }
    }'
  equal "code and stderr" "$code $err" "0 "
  equal issues "$(sort -u <<<"$out" | wc -l)" 45
}

@test "GraphQL errors exit 1 although the status is 200" {
  observe ghoard api graphql -f query='{ nonsense }'
  equal code "$code" 1
  [ -n "$err" ]
}

@test "fields become a JSON body, or a query with -X GET" {
  observe ghoard api repos/acme/sandbox/issues -f title='From <here> & there' -F 'labels[]=bug' -q '.title, .labels[0].name'
  equal "code and stderr" "$code $err" "0 "
  equal stdout "$out" $'From <here> & there\nbug'
  observe ghoard api -X GET repos/acme/widgets/issues -F per_page=2 -f state=closed -q 'map(.state) | unique | .[]'
  equal stdout "$out" closed
}

@test "--input sends a file, and standard input" {
  echo '{"title":"by file"}' >"$BATS_TEST_TMPDIR/issue.json"
  equal file "$(ghoard api repos/acme/sandbox/issues --input "$BATS_TEST_TMPDIR/issue.json" -q .title)" "by file"
  equal stdin "$(echo '{"title":"by stdin"}' | ghoard api repos/acme/sandbox/issues --input - -q .title)" "by stdin"
}

@test "a filter prints as gh's does, and its mistakes cost no request" {
  observe ghoard api repos/acme/widgets -q '.full_name, .nope, .private, (1/3), {b: 1, a: "<"}'
  equal stdout "$out" $'acme/widgets\n\nfalse\n0.33\n{"a":"\\u003c","b":1}'
  observe ghoard api repos/acme/never-asked -q '.['
  equal code "$code" 1
  equal stderr "$err" $'ghoard: failed to parse jq expression (line 1, column 2)\n    .[\n     ^  unexpected end of filter'
  equal asked "$(asked /repos/acme/never-asked)" ""
}

@test "--arg and --argjson reach the filter" {
  observe ghoard api repos/acme/widgets --arg a 'x y' --argjson b '{"c":[1,2]}' -q '$a, $b.c[1]'
  equal stdout "$out" $'x y\n2'
}

@test "templates point to -q" {
  observe ghoard api -t '{{.login}}' user
  equal code "$code" 1
  equal stderr "$err" 'ghoard: templates are not supported; -q takes a jq filter and does the same work'
}

@test "placeholders come from GH_REPO, from git, and not from nowhere" {
  equal GH_REPO "$(GH_REPO=acme/widgets ghoard api 'repos/{owner}/:repo' -q .full_name)" acme/widgets
  mkdir -p "$BATS_TEST_TMPDIR/work/.git" "$BATS_TEST_TMPDIR/work/deep"
  printf '[remote "origin"]\n\turl = git@github.com:acme/gadgets.git\n' >"$BATS_TEST_TMPDIR/work/.git/config"
  echo 'ref: refs/heads/main' >"$BATS_TEST_TMPDIR/work/.git/HEAD"
  cd "$BATS_TEST_TMPDIR/work/deep"
  equal git "$(ghoard api 'repos/{owner}/{repo}/branches/{branch}' -q .name)" main
  cd "$BATS_TEST_TMPDIR"
  observe ghoard api 'repos/{owner}/{repo}'
  equal code "$code" 1
  equal stderr "$err" 'ghoard: unable to expand placeholder in path: failed to run git: fatal: not a git repository (or any of the parent directories): .git'
  observe env GH_REPO=acme/widgets ghoard api 'x/{branch}'
  equal stderr "$err" "ghoard: unable to expand placeholder in path: unable to determine an appropriate value for the 'branch' placeholder"
}

@test "placeholders know git's url.X.insteadOf, the repository's and the user's" {
  local home=$BATS_TEST_TMPDIR
  mkdir -p "$home/work/.git" "$home/.config/git"
  printf '[remote "origin"]\n\turl = gh:acme/gadgets\n' >"$home/work/.git/config"
  echo 'ref: refs/heads/main' >"$home/work/.git/HEAD"
  cd "$home/work"
  printf '[url "git@github.com:"]\n\tinsteadOf = gh:\n' >"$home/.gitconfig"
  equal gitconfig "$(HOME=$home ghoard api 'repos/{owner}/{repo}' -q .full_name)" acme/gadgets
  mv "$home/.gitconfig" "$home/.config/git/config"
  equal XDG "$(HOME=$home ghoard api 'repos/{owner}/{repo}' -q .full_name)" acme/gadgets
  cat "$home/.config/git/config" >>.git/config
  equal repository "$(ghoard api 'repos/{owner}/{repo}' -q .full_name)" acme/gadgets
}

@test "colour on demand, laid out; without it the body as it is" {
  observe env CLICOLOR_FORCE=1 ghoard api repos/acme/widgets/languages
  equal "first line" "$(head -1 <<<"$out")" $'\e[1;38m{\e[m'
  equal "last line" "$(tail -1 <<<"$out")" $'\e[1;38m}\e[m'
  observe env GH_FORCE_TTY=1 NO_COLOR=1 ghoard api repos/acme/widgets/languages
  ! grep -q $'\e' <<<"$out"
}

@test "--verbose and GH_DEBUG=api show the exchange without the token" {
  observe ghoard api --verbose user
  grep -q '^> GET /user HTTP/1.1$' <<<"$out"
  grep -q '^> Authorization: token █' <<<"$out"
  ! grep -q StandIn <<<"$out$err"
  observe env GH_DEBUG=api ghoard api user
  grep -q '^< HTTP/1.1 200 OK$' <<<"$err"
  ! grep -q StandIn <<<"$err"
  grep -q '^{"login":"user-1"' <<<"$out"
}

@test "a second call is answered from the cache; --refresh asks, --no-cache goes past" {
  ghoard api repos/acme/docs >/dev/null
  ghoard api repos/acme/docs >/dev/null
  equal twice "$(asked /repos/acme/docs)" 1
  observe ghoard api -i --refresh repos/acme/docs
  equal refreshed "$(asked /repos/acme/docs)" 2
  observe ghoard api -i --no-cache repos/acme/docs
  grep -q '^Cache-Status: ghoard; fwd=bypass' <<<"$out"
  equal bypassed "$(asked /repos/acme/docs)" 3
}

@test "--cache takes days, and refuses a bare number as gh does" {
  observe ghoard api --cache 1d repos/acme/tools -q .name
  equal stdout "$out" tools
  observe ghoard api --cache 1 repos/acme/tools
  equal code "$code" 1
  grep -q '^ghoard: invalid argument "1" for "--cache" flag' <<<"$err"
}

@test "--offline answers what is stored and fails with empty output otherwise" {
  ghoard api users/user-3 >/dev/null
  equal stored "$(ghoard api --offline users/user-3 -q .login)" user-3
  observe ghoard api --offline users/user-4
  equal code "$code" 1
  equal stdout "$out" ""
  equal stderr "$err" $'ghoard: nothing is stored for users/user-4 that this token may see\nwithout --offline GitHub is asked'
  equal asked "$(asked /users/user-4)" ""
}

@test "--offline sends no write" {
  observe ghoard api --offline repos/acme/sandbox/issues -f title=offline
  equal code "$code" 1
  equal stdout "$out" ""
  equal "first line" "$(head -1 <<<"$err")" 'ghoard: the `--offline` option is not supported for writes and GraphQL, which are never stored'
  equal sent "$(ghoard api 'repos/acme/sandbox/issues?state=all' --no-cache -q 'map(select(.title == "offline")) | length')" 0
}

@test "a renamed repository is followed, and HEAD hits work" {
  equal renamed "$(ghoard api repos/acme/playground -q .full_name)" acme/sandbox
  observe ghoard api -X HEAD -i repos/acme/widgets
  equal code "$code" 0
  observe ghoard api -X HEAD -i repos/acme/widgets
  equal code "$code" 0
  grep -q '^HTTP/1.1 200 OK$' <<<"$out"
}

@test "without a token reads go out anonymously and writes exit 4 with gh's hint" {
  unset GH_TOKEN
  equal read "$(ghoard api repos/acme/widgets -q .id)" 1001
  observe ghoard api repos/acme/widgets/issues -f title=x
  equal code "$code" 4
  equal stderr "$err" $'ghoard: To get started with GitHub CLI, please run:  gh auth login\nAlternatively, populate the GH_TOKEN environment variable with a GitHub API authentication token.'
}

# Runs a command whose reader has left before it writes; `code` and `err` are the command's.
without_reader() {
  mkfifo "$BATS_TEST_TMPDIR/fifo"
  exec 7<>"$BATS_TEST_TMPDIR/fifo" 8>"$BATS_TEST_TMPDIR/fifo" 7>&-
  code=0
  "$@" >&8 2>"$BATS_TEST_TMPDIR/err" 8>&- || code=$?
  exec 8>&-
  rm "$BATS_TEST_TMPDIR/fifo"
  err=$(cat "$BATS_TEST_TMPDIR/err")
}

@test "a reader that leaves early is no news, and no failure" {
  local url='repos/acme/widgets/issues?per_page=50'
  without_reader ghoard api "$url"
  equal "code and stderr" "$code $err" "0 "
  without_reader ghoard api --paginate "$url" -q '.[].title'
  equal "code and stderr with a filter" "$code $err" "0 "
  without_reader ghoard api --paginate --slurp "$url" -q '.[][].title'
  equal "code and stderr of a slurped filter" "$code $err" "0 "
  without_reader ghoard api --verbose user
  equal "code and stderr of --verbose" "$code $err" "0 "
  without_reader env GH_FORCE_TTY=1 GH_PAGER=true ghoard api --paginate "$url"
  equal "code and stderr with a pager" "$code $err" "0 "
  without_reader ghoard api repos/acme/nowhere
  equal "an error stays one" "$code $err" "1 ghoard: Not Found (HTTP 404)"
  set -o pipefail
  ghoard api --paginate "$url" -q '.[].title' | head -1 >/dev/null
}

@test "a pager that does not exist costs neither output nor success" {
  observe env GH_FORCE_TTY=1 NO_COLOR=1 PAGER=ghoard-no-such ghoard api user -q .login
  equal "code and stdout" "$code $out" "0 user-1"
  equal stderr "$err" 'ghoard: failed to start pager: exec: "ghoard-no-such": executable file not found in $PATH'
}

@test "a body cut short is an error without output" {
  curl -s -X POST -H 'Content-Type: application/json' -d '{"kind":"truncate","path_prefix":"/orgs/acme","count":-1}' \
    "$GHOARD_API_URL/_standin/fault" >/dev/null
  observe ghoard api orgs/acme
  curl -s -X POST -H 'Content-Type: application/json' -d '{"kind":"none"}' "$GHOARD_API_URL/_standin/fault" >/dev/null
  equal code "$code" 1
  equal stdout "$out" ""
  equal "one line" "$(wc -l <<<"$err")" 1
}

@test "-- ends the flags; an endpoint may be named like a command" {
  observe ghoard api -- stats
  equal stderr "$err" 'ghoard: Not Found (HTTP 404)'
}
